"""Each published beginning of a key has a key that begins so, made up apart from our own patterns, and none remains."""

from __future__ import annotations

import random
import re

from benchmarks.published_keys import PREFIX_KINDS, UUID, make
from statsbot_webhooks.redaction.redactor import Redactor
from statsbot_webhooks.redaction.token_patterns import KINDS

from .test_secrets import SHAPES

# What the table of published kinds has no sample of: beginnings, and what follows them.
_FURTHER = {
    "LS0tLS1CRUdJTi b3BlbnNzaC1rZXktdjE": "{B80}",
    "ABIA ACCA": "{S16}",
    "A3T": "{S17}",
    "y0_ y1_ y2_ y3_": "{A60}",
    "DOP_V1_ DOO_V1_ DOR_V1_": "{X64}",
    "fm1a_ fm1r_": "{B120}",
    "cfut_ cfat_ cfk_ nfc_ nfo_ nfu_ nfb_ phc_ phs_ phr_ pnb_": "{A40}",
    "vercel_blob_rw_ vcp_ vci_ vca_ vcr_ vck_ rnd_ AVNS_ figu_ figo_ figr_ figdr_ figur_ secret_": "{A43}",
    "akab-": "{L16}-{L16}",
    "dp.st. dp.ct. dp.sa. dp.said. dp.scim. dp.audit. hvr. dckr_oat_ glwt- pscale_api_ sb_secret_ mdb_sa_id_": "{W43}",
    "sat.": "{W22}.{A24}.{A20}",
    "essu_ sntrya_ sntryi_ mlsn.": "{H64}",
    "clojars_ Clojars_": "{L60}",
    "squ_ sqa_ bkaj_ bkct_ cs_ shippo_test_": "{H40}",
    "slk_ s-s4t2af-": "{H64}",
    "CCIPRJ_": "{A22}_{H40}",
    "sdk- mob- api- xaat- xapt- pat-na2- pat-eu1- pat-ap1- access-development- access-production-": UUID,
    "NRAA- NRRA- NRSP-": "{L27}",
    "dt0s01. dt0s02. dt0s08. dt0s16. dt0e01.": "{U24}.{U64}",
    "hcaik_ hcxik_ hcamk_": "{L58}",
    "xoxa- xoxc- xoxd- xoxo- XOXE- XAPP-": "{D12}-{D12}-{A24}",
    "xoxe.xoxb- XOXE.XOXB- XOXE.XOXP-": "1-{U163}",
    "xsmtpsib-": "{H64}-{L16}",
    "b_": "{L44}",
    "dG9rOi": "{B60}",
    "pina_ WPL_AP1. A21AA": "{A80}",
    "sk_test_ sk_prod_ sk_org_ rk_live_ rk_prod_ rk_org_ pk_live_ pk_test_ pk_prod_ pk_org_": "{A24}",
    "sq0idp- sq0acp- sq0idb-": "{W22}",
    "access_token$": "production${L16}${H32}",
    "rzp_test_ FLWPUBK-": "{A14}",
    "shpua_ shpit_": "{X32}",
    "duffel_test_ pdl_live_apikey_ pdl_sdbx_apikey_": "{A43}",
    "pk_": "{H34}",
    "test_ live_pub_ sandbox_": "{H35}",
    "sk-svcacct- sk-admin-": "{A60}",
    "tgp_v1_ nvapi- csk- jina_ tvly- lsv2_sk_ ls__": "{A64}",
    "AGE-SECRET-KEY-PQ-1": "{Q58}",
    "ext_ scauth_ authress_": "{L12}.{L5}.acc_{L16}.{A60}",
    "sk. tk.": "{A60}.{A22}",
    "yprv zprv tprv": "{A107}",
    "fw_": "{A24}",
    "pa-": "{W43}",
    "fc- signkey-prod- signkey-test- signkey-branch-": "{H32}",
    "llx- wandb_v1_ apify_api_ apify_ui_ ddp_ ddw_ ddo_": "{A48}",
    "e2b_ sk_e2b_": "{H40}",
    "tr_dev_ tr_prod_ tr_stg_ tr_preview_": "{A20}",
    "os_v2_app_ os_v2_org_": "{L103}",
    "tk_": "{L29}",
    "o.": "{A32}",
    "cGFzc3dvcmQ cGFzc3dk UEFTU1dPUk Z3JhbnRfdHlwZT1w cABhAHMAcwB3AG8AcgBkA": "{A24}",
    "dXNlcj1 dXNlcm5hbWU9 dXNlcm5hbWU6 cG9zdGdyZX bXlzcWw6Ly bW9uZ29kY cmVkaXM6Ly cmVkaXNzOi8v YW1xcDovL": "{A32}",
    "70617373776f7264 70617373776F7264": "{X24}",
}
_SHAPES = [
    *PREFIX_KINDS.values(),
    "ghu_{A36}", "lin_oauth_{L64}", "lin_wh_{A40}", "mmk_{A40}", "pk_{D8}_{U32}", "EAAA{W50}", "NTA{A21}.G{A5}.{W38}",
    "OTA{A21}.G{A5}.{W38}",
    *(prefix + rest for prefixes, rest in _FURTHER.items() for prefix in prefixes.split()),
]  # fmt: skip


def _keys(shape: str) -> list[tuple[str, str]]:
    return [make(shape, random.Random(seed)) for seed in range(3)]


def test_a_key_goes() -> None:
    redactor = Redactor()
    for key, secret in (pair for shape in _SHAPES for pair in _keys(shape)):
        clean = redactor.redact_text(f"it sent {key} to us")
        assert secret[2:-2] not in clean, key
        assert "[redacted" in clean, key


def test_every_beginning_has_a_key() -> None:
    keys = [key.encode() for key in (*SHAPES.values(), *(key for shape in _SHAPES for key, _ in _keys(shape)))]
    beginnings = [(kind, prefix) for kind in KINDS for prefix in kind.prefixes.split(" ")]
    patterns = [(prefix, re.compile(f"{re.escape(prefix)}(?:{kind.rest})".encode())) for kind, prefix in beginnings]
    assert [prefix for prefix, pattern in patterns if not any(map(pattern.search, keys))] == []
