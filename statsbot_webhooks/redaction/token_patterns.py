"""Token patterns: the published shapes of keys, by prefix, with the pattern of the rest and the name of the key.

Data; no code that searches.

A row is the label, the prefixes, and a pattern of the rest. A prefix is literal; several stand apart by blanks. What may follow
is bounded or possessive, so that a row costs time in proportion to the text. The facts are those of the providers'
documentation, compared with the rules of gitleaks (github.com/gitleaks/gitleaks, config/gitleaks.toml) and of detect-secrets
(github.com/Yelp/detect-secrets) by `benchmarks/recall.py --compare`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

_A: Final = "[A-Za-z0-9]"
_W: Final = r"[A-Za-z0-9_-]"
_H: Final = "[0-9a-f]"
_X: Final = "[0-9A-Fa-f]"
# Base64, also as URLs escape it.
_B: Final = "(?>[A-Za-z0-9+/]|%2[BbFf])"
_UUID: Final = f"{_X}{{8}}-{_X}{{4}}-{_X}{{4}}-{_X}{{4}}-{_X}{{12}}"
# Tells keys from words, which have no digits, and no capitals among small letters.
_DIGIT: Final = r"(?=[A-Za-z_-]{0,60}+\d|[A-Za-z_-]{0,30}?[A-Z][a-z]{1,2}[A-Z]{1,3}[a-z]{1,2}[A-Z])"
_END: Final = "(?![A-Za-z0-9])"


class Kind(NamedTuple):
    """One kind of key. `rest` is the pattern (for bytes) of what follows one of the prefixes."""

    label: str
    prefixes: str
    rest: str


KINDS: Final = (
    # Discord: base64 of the id, which begins with a digit, a time stamp, an HMAC
    # (discord.com/developers/docs/reference#authentication).
    Kind("discord token", "M N O", rf"{_W}{{17,45}}+\.{_W}{{5,8}}\.{_W}{{25,}}+"),
    Kind("discord token", "mfa.", rf"{_W}{{20,}}+"),
    Kind(
        "JWT",
        "eyJ",
        rf"{_W}{{8,}}+={{0,2}}(?:(?:\.|%(?:25){{0,2}}2[Ee]|\\u002[Ee]){_W}{{4,}}+={{0,2}}"
        rf"|[ \t]?\.=?(?:[ \t]|\r?\n|\\n)[ \t]{{0,8}}{_W}{{20,}}+){{1,4}}"
        # A line break within a part.
        rf"(?:=?(?:[ ]|\r?\n|\\n)[ \t]{{0,8}}(?=[\w-]{{0,40}}\d)(?=[\w-]{{0,40}}[A-Z]){_W}{{16,}}+)?|{_W}{{40,}}+",
    ),
    Kind("JWT", "ZXlK", rf"{_B}{{40,}}+={{0,2}}"),
    # The base64, in UTF-16 too, or the hexadecimal digits of a password with its name, or of an address with its user.
    Kind("encoded password", "cGFzc3dvcmQ cGFzc3dk UEFTU1dPUk Z3JhbnRfdHlwZT1w", rf"{_B}{{8,}}+={{0,2}}"),
    Kind(
        "encoded password",
        "dXNlcj1 dXNlcm5hbWU9 dXNlcm5hbWU6 cG9zdGdyZX bXlzcWw6Ly bW9uZ29kY cmVkaXM6Ly cmVkaXNzOi8v YW1xcDovL",
        rf"{_B}{{24,}}+={{0,2}}",
    ),
    Kind("encoded password", "cABhAHMAcwB3AG8AcgBkA", rf"{_B}{{12,}}+={{0,2}}"),
    Kind("encoded password", "70617373776f7264 70617373776F7264", rf"{_X}{{10,}}+"),
    # The base64 of a private key's file, as Kubernetes stores it, and the body of OpenSSH's; not of a certificate.
    Kind("private key", "LS0tLS1CRUdJTi", rf"(?!BDRVJU|BQVUJM|BDUkwg){_B}{{40,}}+={{0,2}}"),
    Kind("private key", "b3BlbnNzaC1rZXktdjE", rf"{_B}{{20,}}+={{0,2}}"),
    # Clouds
    # The secret has no shape but its length, so it is known by the id before it.
    Kind(
        "aws key",
        "AKIA ASIA ABIA ACCA",
        rf"[A-Z0-9]{{16}}{_END}(?:(?:/|(?:\\{{1,8}}[nrt]){{1,2}}|[^\w/+][\s\S]{{0,24}}?(?<![\w/+]))"
        rf"(?=[A-Z/+%]{{0,40}}[a-z0-9])(?=[a-z0-9/+%]{{0,40}}[A-Z]){_B}{{40}}(?![\w/+=]))?",
    ),
    Kind("aws key", "A3T", rf"[A-Z0-9]{{17}}{_END}"),
    Kind("aws bedrock key", "ABSK", rf"{_B}{{80,}}+={{0,2}}"),
    Kind("aws bedrock key", "bedrock-api-key-", rf"{_B}{{16,}}+={{0,2}}"),
    Kind("amazon mws token", "amzn.mws.", _UUID),
    Kind("google key", "AIza", rf"{_W}{{35,}}+"),
    Kind("google key", "GOCSPX- ya29.", rf"{_W}{{20,}}+"),
    Kind("google key", "1//0", rf"{_W}{{30,}}+"),
    Kind("alibaba key", "LTAI", rf"{_DIGIT}{_A}{{12,30}}+{_END}"),
    Kind("tencent key", "AKID", rf"{_DIGIT}{_A}{{30,}}+"),
    Kind("yandex key", "AQVN", rf"{_W}{{35,}}+"),
    Kind("yandex key", "YC", rf"{_DIGIT}{_W}{{38}}{_END}"),
    Kind("yandex token", "t1.", rf"{_W}{{1,300}}+={{0,2}}\.{_W}{{60,}}+={{0,2}}"),
    Kind("yandex token", "y0_ y1_ y2_ y3_", rf"{_W}{{40,}}+"),
    Kind("digitalocean token", "dop_v1_ doo_v1_ dor_v1_ DOP_V1_ DOO_V1_ DOR_V1_", rf"{_X}{{40,}}+"),
    Kind("heroku key", "HRKU-", rf"{_W}{{20,}}+"),
    Kind("fly.io token", "fo1_", rf"{_W}{{40,}}+"),
    Kind("fly.io token", "fm1a_ fm1r_ fm2_", r"(?>[\w+/-]|%2[BbFf]){40,}+={0,3}"),
    Kind("cloudflare key", "v1.0-", rf"{_H}{{24}}-{_H}{{100,}}+"),
    Kind("cloudflare token", "cfut_ cfat_ cfk_", rf"{_A}{{36,}}+"),
    Kind("netlify token", "nfp_ nfc_ nfo_ nfu_ nfb_", rf"{_A}{{30,}}+"),
    Kind("vercel token", "vercel_blob_rw_ vcp_ vci_ vca_ vcr_ vck_", rf"{_DIGIT}{_W}{{20,}}+"),
    Kind("render key", "rnd_", rf"{_DIGIT}{_A}{{24,}}+"),
    Kind("scalingo token", "tk-us-", rf"{_W}{{40,}}+"),
    Kind("aiven password", "AVNS_", rf"{_W}{{15,}}+"),
    Kind("akamai key", "akab-", r"[a-z0-9]{16}-[a-z0-9]{16}"),
    Kind("tailscale key", "tskey-", rf"{_DIGIT}{_W}{{16,}}+"),
    Kind("terraform token", "atlasv1.", rf"{_W}{{50,}}+"),
    Kind("pulumi token", "pul-", rf"{_H}{{40}}"),
    Kind("infracost key", "ico-", rf"{_DIGIT}{_A}{{32}}{_END}"),
    Kind("doppler token", "dp.pt. dp.st. dp.ct. dp.sa. dp.said. dp.scim. dp.audit.", r"[\w.-]{20,}+"),
    Kind("vault token", "hvs. hvb. hvr.", rf"{_W}{{20,}}+"),
    Kind(
        "vault token",
        "s.",
        rf"(?=[A-Z0-9]{{0,20}}[a-z])(?=[a-z0-9]{{0,20}}[A-Z])(?:{_DIGIT}|(?=(?:[a-z]{{0,20}}[A-Z]){{5}})){_A}{{24}}(?![\w.(])",
    ),
    Kind("openshift token", "sha256~", rf"{_W}{{43}}"),
    Kind("harness token", "pat. sat.", rf"{_W}{{22}}\.{_A}{{24}}\.{_A}{{20}}"),
    Kind("prefect token", "pnu_ pnb_", rf"{_A}{{36}}"),
    # Databases and search
    Kind("databricks token", "dapi", rf"{_H}{{32}}(?:-\d)?"),
    Kind("neon key", "napi_", rf"{_DIGIT}{_A}{{40,}}+"),
    Kind("mongodb atlas key", "mdb_sa_sk_ mdb_sa_id_", rf"{_W}{{20,}}+"),
    Kind("supabase key", "sb_secret_ sbp_", rf"{_W}{{16,}}+"),
    Kind("planetscale token", "pscale_tkn_ pscale_pw_ pscale_oauth_ pscale_api_", r"[\w.=-]{20,}+"),
    Kind("cockroachdb key", "CCDB1_", rf"{_A}{{22}}_{_A}{{40}}"),
    Kind("clickhouse key", "4b1d", rf"{_DIGIT}{_A}{{38}}{_END}"),
    Kind("elastic key", "essu_", rf"{_B}{{40,}}+={{0,2}}"),
    Kind("pinecone key", "pcsk_", rf"{_A}{{4,8}}_{_A}{{40,}}+"),
    # Code, packages and builds
    Kind("github token", "ghp_ gho_ ghu_ ghs_ ghr_", rf"{_A}{{20,}}+"),
    Kind("github token", "github_pat_", r"\w{20,}+"),
    Kind(
        "gitlab token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glagent- glimt- gloas- glffct- glwt-",
        r"[\w.-]{16,}+",
    ),
    Kind("gitlab token", "GR1348941", rf"{_W}{{20,}}+"),
    Kind("bitbucket token", "ATBB", rf"{_DIGIT}{_A}{{24,}}+"),
    Kind("atlassian token", "ATATT3 ATCTT3", r"[\w=-]{40,}+"),
    Kind("trello token", "ATTA", rf"{_H}{{64}}"),
    Kind("docker token", "dckr_pat_ dckr_oat_", rf"{_W}{{20,}}+"),
    Kind("artifactory key", "AKCp", rf"{_A}{{50,}}+"),
    Kind("artifactory key", "cmVmd", rf"{_A}{{50,}}+"),
    Kind("nuget key", "oy2", rf"{_DIGIT}[a-z0-9]{{43}}{_END}"),
    Kind("npm token", "npm_", rf"{_A}{{30,}}+"),
    Kind("pypi token", "pypi-", rf"{_W}{{50,}}+"),
    Kind("rubygems key", "rubygems_", rf"{_H}{{40,}}+"),
    Kind("crates.io token", "cio", rf"{_DIGIT}{_A}{{32}}{_END}"),
    Kind("clojars token", "CLOJARS_ clojars_ Clojars_", r"[A-Za-z0-9]{60}"),
    Kind("sentry token", "sntrys_ sntryu_ sntrya_ sntryi_", r"(?>[\w+/=.-]|%2[BbFf]|%3[Dd]){20,}+"),
    Kind("sonar token", "sqp_ squ_ sqa_", rf"{_H}{{40}}"),
    Kind("sourcegraph token", "sgp_", rf"(?:(?:{_X}{{16}}|local)_)?{_X}{{40}}"),
    Kind("sourcegraph token", "slk_", rf"{_X}{{64}}"),
    Kind("circleci token", "CCIPAT_ CCIPRJ_", rf"{_A}{{16,30}}+_{_H}{{40}}"),
    Kind("buildkite token", "bkua_ bkaj_ bkct_", rf"{_H}{{40}}"),
    Kind("octopus key", "API-", rf"(?=[A-Z]{{0,25}}\d)[A-Z0-9]{{20,40}}+{_END}"),
    Kind("postman key", "PMAK-", rf"{_X}{{24}}-{_X}{{20,}}+"),
    Kind("linear key", "lin_api_ lin_oauth_ lin_wh_", rf"{_A}{{20,}}+"),
    Kind("notion token", "ntn_", rf"{_A}{{30,}}+"),
    Kind("notion token", "secret_", rf"{_DIGIT}{_A}{{43}}{_END}"),
    Kind("airtable token", "pat", rf"{_A}{{14}}\.{_H}{{40,}}+"),
    Kind("figma token", "figd_ figu_ figo_ figr_ figdr_ figur_", rf"{_DIGIT}{_W}{{20,}}+"),
    Kind("readme key", "rdme_", r"[a-z0-9]{50,}+"),
    Kind("contentful token", "CFPAT-", rf"{_W}{{40,}}+"),
    Kind("typeform token", "tfp_", r"[\w.=-]{40,}+"),
    Kind("frame.io token", "fio-u-", r"[\w=-]{50,}+"),
    Kind("launchdarkly key", "sdk- mob- api-", _UUID),
    Kind("maxmind key", "mmk_", rf"{_A}{{20,}}+"),
    # Monitoring
    Kind("grafana token", "glsa_", rf"{_A}{{32}}_{_X}{{8}}"),
    Kind("grafana token", "glc_", rf"{_B}{{32,}}+={{0,3}}"),
    Kind("new relic key", "NRAK- NRJS- NRII- NRAA- NRRA- NRSP-", rf"{_W}{{16,}}+"),
    Kind("dynatrace token", "dt0c01. dt0s01. dt0s02. dt0s08. dt0s16. dt0e01.", rf"{_A}{{8,24}}\.{_A}{{64}}"),
    Kind("posthog key", "phc_ phx_ phs_ phr_", rf"{_A}{{30,}}+"),
    Kind("honeycomb key", "hcaik_ hcxik_ hcamk_", rf"{_A}{{26,}}+"),
    Kind("axiom token", "xaat- xapt-", _UUID),
    # Messages and mail
    Kind("slack token", "xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- XOXE-", r"[\w%/+=-]{10,}+"),
    Kind("slack token", "xoxe.xoxb- xoxe.xoxp- XOXE.XOXB- XOXE.XOXP-", r"[\w-]{20,}+"),
    Kind("slack token", "xapp- XAPP-", rf"{_DIGIT}{_W}{{16,}}+"),
    Kind("sendgrid key", "SG.", r"[\w=-]{16,}+\.[\w=-]{16,}+|[\w=.-]{66}"),
    Kind("brevo key", "xkeysib- xsmtpsib-", rf"{_H}{{40,}}+-{_A}{{12,}}+"),
    Kind("resend key", "re_", rf"(?=[A-Za-z_]{{0,40}}+\d){_A}{{6,12}}_{_A}{{20,}}+"),
    Kind("mailgun key", "key- pubkey-", rf"{_H}{{32}}{_END}"),
    Kind("mailersend token", "mlsn.", rf"{_H}{{40,}}+"),
    Kind("beamer key", "b_", r"(?=[a-z_=-]{0,43}\d)[a-z0-9=_-]{44}(?![\w=-])"),
    Kind("intercom token", "dG9rOi", rf"{_B}{{40,}}+={{0,2}}"),
    Kind("hubspot token", "pat-na1- pat-na2- pat-eu1- pat-ap1-", _UUID),
    Kind("twilio key", "SK", rf"{_X}{{32}}{_END}"),
    Kind("onesignal key", "os_v2_app_ os_v2_org_", r"[a-z0-9]{60,}+"),
    Kind("ntfy token", "tk_", rf"(?=[a-z]{{0,28}}\d)[a-z0-9]{{29}}{_END}"),
    Kind("pushbullet token", "o.", rf"{_DIGIT}{_A}{{32}}(?![\w.(])"),
    Kind("twitch token", "oauth:", rf"{_DIGIT}[a-z0-9]{{30}}{_END}"),
    Kind("facebook token", "EAA", rf"(?=\w{{0,40}}\d){_A}{{80,}}+"),
    Kind("twitter token", "AAAAAAAAAAAAAAAAAAAAAA", r"[\w%]{60,}+"),
    Kind("pinterest token", "pina_", rf"{_A}{{40,}}+"),
    Kind("linkedin token", "WPL_AP1.", r"[\w.=+/-]{16,}+"),
    Kind("riot key", "RGAPI-", _UUID),
    Kind("dropbox token", "sl.", r"(?:u\.)?[\w=-]{80,}+"),
    # Payments and parcels
    Kind(
        "stripe key", " ".join(f"{kind}k_{mode}_" for kind in "srp" for mode in ("live", "test", "prod", "org")), rf"{_A}{{10,}}+"
    ),
    Kind("stripe key", "whsec_", rf"{_B}{{16,}}+={{0,2}}"),
    Kind("square token", "sq0atp- sq0csp- sq0idp- sq0acp- sq0idb-", r"[\w\\-]{20,}+"),
    Kind("square token", "EAAA", rf"{_DIGIT}{_W}{{50,}}+"),
    Kind("square token", "EAAA", rf"{_DIGIT}{_W}{{22,60}}+{_END}"),
    Kind("paypal token", "access_token$", rf"(?:production|sandbox)\$[a-z0-9]{{16}}\${_H}{{32}}"),
    Kind("paypal token", "A21AA", rf"{_W}{{60,}}+"),
    Kind("razorpay key", "rzp_live_ rzp_test_", rf"{_A}{{14,}}+"),
    Kind("flutterwave key", "FLWSECK_TEST- FLWSECK- FLWPUBK_TEST- FLWPUBK-", rf"{_A}{{12,}}+(?:-X)?"),
    Kind("plaid token", "access-sandbox- access-development- access-production-", _UUID),
    Kind("shippo token", "shippo_live_ shippo_test_", rf"{_X}{{40}}"),
    Kind("easypost key", "EZAK EZTK", rf"{_A}{{54}}{_END}"),
    Kind("shopify token", "shpat_ shpca_ shppa_ shpss_ shpua_ shpit_", rf"{_X}{{24,}}+"),
    Kind("duffel token", "duffel_live_ duffel_test_", r"[\w=-]{40,}+"),
    Kind("paddle key", "pdl_live_apikey_ pdl_sdbx_apikey_", rf"{_W}{{20,}}+"),
    Kind("woocommerce key", "ck_ cs_", rf"{_H}{{40}}{_END}"),
    Kind("klaviyo key", "pk_", rf"{_H}{{34}}{_END}"),
    Kind("clickup token", "pk_", r"\d{1,10}_[A-Z0-9]{32}"),
    # Lob, GoCardless, Mollie, Chargebee: a mode, then the key.
    # Names of test functions begin so too, in small letters.
    Kind(
        "payment key",
        "live_ test_ live_pub_ test_pub_ sandbox_",
        rf"{_H}{{30,}}+|(?=[a-z0-9=_-]{{0,30}}[A-Z]){_DIGIT}[\w=-]{{30,}}+",
    ),
    # Models
    Kind("openai key", "sk-proj- sk-svcacct- sk-admin-", rf"{_W}{{20,}}+"),
    Kind("anthropic key", "sk-ant-", rf"{_W}{{20,}}+"),
    Kind("api key", "sk-", rf"{_DIGIT}{_W}{{20,}}+"),
    Kind("api key", "sk_", rf"{_DIGIT}{_W}{{29,}}+"),
    Kind("hugging face token", "hf_ api_org_", rf"{_A}{{30,}}+"),
    Kind("groq key", "gsk_", rf"{_DIGIT}{_A}{{30,}}+"),
    Kind("replicate token", "r8_", rf"{_DIGIT}{_A}{{30,}}+"),
    Kind("perplexity key", "pplx-", rf"{_A}{{40,}}+"),
    Kind("xai key", "xai-", rf"{_DIGIT}{_A}{{40,}}+"),
    Kind("together key", "tgp_v1_", rf"{_W}{{30,}}+"),
    Kind("nvidia key", "nvapi-", rf"{_W}{{40,}}+"),
    Kind("cerebras key", "csk-", rf"{_DIGIT}{_A}{{30,}}+"),
    Kind("jina key", "jina_", rf"{_DIGIT}{_W}{{40,}}+"),
    Kind("tavily key", "tvly-", rf"{_DIGIT}{_W}{{24,}}+"),
    Kind("langsmith key", "lsv2_pt_ lsv2_sk_ ls__", rf"{_DIGIT}\w{{24,}}+"),
    Kind("fireworks key", "fw_", rf"{_DIGIT}{_A}{{22,}}+"),
    Kind("voyage key", "pa-", rf"{_DIGIT}{_W}{{43}}{_END}"),
    Kind("firecrawl key", "fc-", rf"{_H}{{32}}{_END}"),
    Kind("llamacloud key", "llx-", rf"{_DIGIT}{_A}{{40,}}+"),
    Kind("wandb key", "wandb_v1_", rf"{_W}{{40,}}+"),
    Kind("e2b key", "e2b_ sk_e2b_", rf"{_H}{{40}}{_END}"),
    Kind("apify token", "apify_api_ apify_ui_", rf"{_A}{{30,}}+"),
    Kind("inngest key", "signkey-prod- signkey-test- signkey-branch-", rf"{_H}{{32,}}+"),
    Kind("trigger.dev key", "tr_dev_ tr_prod_ tr_stg_ tr_preview_", rf"{_DIGIT}{_A}{{16,}}+"),
    Kind("deno token", "ddp_ ddw_ ddo_", rf"{_DIGIT}{_A}{{30,}}+"),
    # Vaults, encryption and signatures
    Kind("1password key", "A3-", r"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}"),
    Kind("1password token", "ops_eyJ", r"(?>[\w+/=-]|%2[BbFf]|%3[Dd]){40,}+"),
    Kind("age key", "AGE-SECRET-KEY-1 AGE-SECRET-KEY-PQ-1", r"[A-Z0-9]{40,}+"),
    Kind("adobe secret", "p8e-", rf"{_DIGIT}{_A}{{32}}{_END}"),
    Kind("authress key", "sc_ ext_ scauth_ authress_", r"[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[\w+/=-]{30,}+"),
    Kind("defined networking token", "dnkey-", r"[\w=-]{26}-[\w=-]{52}"),
    Kind("42 secret", "s-s4t2ud- s-s4t2af-", rf"{_X}{{64}}"),
    Kind("settlemint token", "sm_aat_ sm_pat_ sm_sat_", rf"{_A}{{16,}}+"),
    Kind("mapbox token", "pk. sk. tk.", rf"{_DIGIT}{_A}{{50,}}+\.{_A}{{20,}}+"),
    Kind("extended private key", "xprv yprv zprv tprv", rf"{_A}{{90,}}+"),
    Kind("nostr key", "nsec1", r"[a-z0-9]{58}"),
)


class Anchored(NamedTuple):
    """A key that is known by a part within it. `anchor` is literal, `pattern` begins with it, and `before` must precede it."""

    label: str
    anchor: str
    pattern: str
    before: str = ""


# A slash, also as JSON and URLs escape it.
_SLASH: Final = r"(?:\\{0,8}/|%(?:25){0,3}2[Ff]|\\{1,8}u002[Ff]|\\{1,8}x2[Ff]|&#(?:x2[Ff]|47);|=2F)"

ANCHORED: Final = (
    Anchored("azure secret", "Q~", r"Q~(?<=[\w~.-]{3}\dQ~)[\w~.-]{31,}+", r"[\w~.-]{3}\d"),
    Anchored("mailchimp key", "-us", rf"-us(?<={_H}{{32}}-us)\d{{1,2}}(?!\w)", rf"{_H}{{32}}"),
    Anchored("telegram token", ":A", rf":A(?<=\d{{5}}:A){_W}{{33,}}+", r"\d{5,16}"),
    Anchored("telegram token", "%3AA", rf"%3AA(?<=\d{{5}}%3AA){_W}{{33,}}+", r"\d{5,16}"),
    Anchored("terraform token", ".atlasv1.", rf"\.atlasv1\.(?<={_A}{{14}}\.atlasv1\.)[\w=-]{{50,}}+", rf"{_A}{{14}}"),
    Anchored("azure devops token", "AZDO", rf"AZDO(?<={_A}{{76}}AZDO){_A}{{4}}{_END}", rf"{_A}{{76}}"),
    Anchored("maxmind key", "_mmk", rf"_mmk(?<={_A}{{6}}_{_A}{{29}}_mmk){_END}", rf"{_A}{{6}}_{_A}{{29}}"),
    Anchored("asana token", "/1", rf"/1(?<=[012]/1)\d{{15}}:{_H}{{32}}", "[012]"),
    Anchored("facebook token", "|", rf"\|(?<=\d{{15}}\|){_W}{{27,40}}+{_END}", r"\d{15,16}"),
    Anchored("facebook token", "%7C", rf"%7C(?<=\d{{15}}%7C){_W}{{27,40}}+{_END}", r"\d{15,16}"),
    # The signature of the URLs of Discord's files.
    Anchored("signature", "hm=", rf"hm=(?<![A-Za-z]hm=){_W}{{32,}}+"),
    Anchored("signature", "hm%3D", rf"hm%3D(?<![A-Za-z]hm%3D){_W}{{32,}}+"),
    Anchored("one-time code seed", "otpauth-migration:", r"otpauth-migration:\S{0,40}?data(?:=|%3D)[\w%+/=-]{16,}+"),
    Anchored("roblox cookie", "_|WARNING:-DO-NOT-SHARE-THIS", r"_\|WARNING:-DO-NOT-SHARE-THIS[^|\n]{0,200}\|_[\w.-]{20,}+"),
)

# URLs that are secret as a whole, because they are all that is needed to post. discord.py and aiohttp log the path alone.
ADDRESSES: Final = (
    # https://discord.com/developers/docs/resources/webhook#execute-webhook: id and token are in the URL.
    Anchored("webhook URL", "webhooks", rf"(?i:webhooks){_SLASH}\d{{1,25}}{_SLASH}[\w-]{{1,}}+"),
    Anchored("webhook URL", "interactions", rf"(?i:interactions){_SLASH}\d{{1,25}}{_SLASH}[\w-]{{1,}}+"),
    Anchored("webhook URL", "hooks.slack.com", rf"hooks\.slack\.com{_SLASH}[\w/\\%+-]{{10,}}+"),
    Anchored("webhook URL", "webhook.office.com", rf"webhook\.office\.com{_SLASH}[\w/\\%@.-]{{10,}}+"),
    Anchored("webhook URL", "hooks.zapier.com", rf"hooks\.zapier\.com{_SLASH}[\w/\\%-]{{10,}}+"),
    Anchored("webhook URL", "hook.", rf"hook\.(?:eu|us)\d\.make\.com{_SLASH}[\w-]{{16,}}+"),
    Anchored("webhook URL", "hc-ping.com", rf"hc-ping\.com{_SLASH}[\w/\\%-]{{10,}}+"),
    Anchored("webhook URL", "api/push", rf"api/push{_SLASH}[\w-]{{8,}}+"),
    Anchored("webhook URL", "with/key", rf"with/key{_SLASH}[\w-]{{16,}}+"),
)

# The value of each digit, and the digit sum of twice that value.
_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_SINGLE: Final = bytes.maketrans(b"0123456789", bytes(range(10)))


@lru_cache(maxsize=1024)
def passes_luhn(number: str) -> bool:
    """Return whether a number carries the check digit of a card (ISO/IEC 7812-1)."""
    digits = number.encode().translate(None, b" -")[::-1]
    return (sum(digits[::2].translate(_SINGLE)) + sum(digits[1::2].translate(_DOUBLED))) % 10 == 0
