"use strict";
// ---- markdown: one sticky pattern each, tried in order at each place; "^" rules only at the start of a line
const KEYWORDS = "False|None|True|and|as|assert|async|await|break|class|const|continue|def|elif|else|except|false|finally|for|from|function|if|import|in|is|lambda|let|new|not|null|or|pass|raise|return|self|true|try|var|while|with|yield";
const TOKEN = new RegExp(`(?<s>"(?:\\\\.|[^"\\\\\\n])*"|'(?:\\\\.|[^'\\\\\\n])*')|(?<c>(?:#|//).*)|(?<n>\\b\\d[\\w.]*)|(?<k>\\b(?:${KEYWORDS})\\b)|(?<a>@\\w+)`, "g");
const ANSI = ["#4f545c", "#dc322f", "#859900", "#b58900", "#268bd2", "#d33682", "#2aa198", "#ffffff"], ANSI_BACK = ["#002b36", "#cb4b16", "#586e75", "#657b83", "#839496", "#6c71c4", "#93a1a1", "#fdf6e3"];
function code(lang, text) {
  const pre = el("pre");
  lang = (lang || "").toLowerCase();
  if (lang === "ansi") {
    let style = {};
    for (const part of text.split(/(\x1b\[[\d;]*m)/)) {
      const codes = /^\x1b\[([\d;]*)m$/.exec(part);
      if (!codes) { Object.assign(pre.appendChild(el("span", "", part)).style, style); continue; }
      for (const n of codes[1].split(";").map(Number)) {
        if (n === 0) style = {};
        else if (n === 1) style.fontWeight = "bold";
        else if (n === 4) style.textDecoration = "underline";
        else if (n >= 30 && n <= 37) style.color = ANSI[n - 30];
        else if (n >= 40 && n <= 47) style.background = ANSI_BACK[n - 40];
      }
    }
  } else if (lang === "diff") {
    for (const line of text.split(/(?<=\n)/)) pre.append(el("span", /^[+]/.test(line) ? "hl-add" : /^-/.test(line) ? "hl-del" : /^@@/.test(line) ? "hl-k" : "", line));
  } else if (/^(py|python|json|js|javascript|ts|toml|yaml|yml|ini)$/.test(lang)) {
    let at = 0;
    for (const hit of text.matchAll(TOKEN)) {
      pre.append(text.slice(at, hit.index), el("span", "hl-" + Object.keys(hit.groups).find((key) => hit.groups[key] !== undefined), hit[0]));
      at = hit.index + hit[0].length;
    }
    pre.append(text.slice(at));
  } else pre.append(text);
  pre.dataset.lang = lang;
  return pre;
}
function spoiler(m, inner) { const node = el("span", "spoiler", inner(m[1])); node.onclick = () => node.classList.add("open"); return node; }
function stamp(m) {
  const date = new Date(+m[1] * 1000), style = m[2] || "f";
  if (isNaN(date)) return m[0];
  const node = titled(el("span", "stamp", style === "R" ? ago(date) : TIME[style](date)), TIME.F(date));
  if (style === "R") node.dataset.ago = +date;
  return node;
}
function channelPill(m) {
  const found = channels().find((channel) => channel.id === m[1]), node = el("a", "pill", "#" + (found ? found.name : "unknown"));
  if (found) node.href = "#channel=" + found.id;
  return node;
}
const wrap = (tag) => (m, inner) => el(tag, "", inner(m[1]));
const RULES = [
  [/\\([^A-Za-z0-9\s])/y, (m) => m[1]],
  [/```(?:([\w+.#-]+)\n)?\n*([^]*?)\n*```\n?/y, (m) => m[2] ? code(m[1], m[2]) : m[0]],
  [/(`+)([^]*?[^`])\1(?!`)/y, (m) => el("code", "", m[2])],
  ["^", />>> ([^]*)/y, (m, inner) => el("blockquote", "", inner(m[1], true))],
  ["^", /> ([^\n]*(?:\n> [^\n]*)*)\n?/y, (m, inner) => el("blockquote", "", inner(m[1].replace(/\n> /g, "\n"), true))],
  ["^", /(#{1,3}) +([^\n]+)\n?/y, (m, inner) => el("h" + m[1].length, "", inner(m[2]))],
  ["^", /-# +([^\n]+)\n?/y, (m, inner) => el("span", "sub", inner(m[1]))],
  ["^", / *[-*] +([^\n]+)\n?/y, (m, inner) => el("span", "item", inner(m[1]))],
  [/<t:(-?\d{1,13})(?::([tTdDfFR]))?>/y, stamp],
  [/<@!?(\d+)>/y, (m) => titled(el("span", "pill", "@" + (people.get(m[1]) || "unknown-user")), m[1])],
  [/<@&(\d+)>/y, (m) => titled(el("span", "pill", "@" + (guilds.flatMap((g) => g.roles || []).find((role) => role.id === m[1])?.name || "unknown-role")), m[1])],
  [/<#(\d+)>/y, channelPill],
  [/<a?(:\w+:)\d+>/y, (m) => m[1]],
  [/\[([^\]\n]+)\]\(<?(https?:\/\/[^\s<>)]+(?:\([^\s<>)]*\)[^\s<>)]*)*)>?\)/y, (m, inner) => titled(link(safeUrl(m[2]), "", inner(m[1])), m[2])],
  [/<(https?:\/\/[^\s<>]+)>/y, (m) => link(safeUrl(m[1]), "", m[1])],
  [/https?:\/\/[^\s<>]*[^\s<>.,:;"')\]*_~|`]/y, (m) => link(safeUrl(m[0]), "", m[0])],
  [/\*\*((?:\\[^]|[^\\])+?)\*\*(?!\*)/y, wrap("b")],
  [/__((?:\\[^]|[^\\])+?)__(?!_)/y, wrap("u")],
  [/~~([^]+?)~~/y, wrap("s")],
  [/\|\|([^]+?)\|\|/y, spoiler],
  [/\*(?=\S)((?:\*\*|\\[^]|\s+(?:\\[^]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)/y, wrap("i")],
  [/(?<!\w)_((?:__|\\[^]|[^\\_])+?)_(?!\w)/y, wrap("i")],
  ["@", /@(everyone|here)\b/y, (m) => el("span", "pill", m[0])],
];
function markdown(text, options = {}, depth = 0) {
  const nodes = [], inner = (part, blocks) => depth > 12 ? [part] : markdown(part, { ...options, blocks: !!blocks }, depth + 1);
  let plain = "", at = 0;
  while (at < text.length) {
    let hit = null;
    const atStart = options.blocks !== false && (at === 0 || text[at - 1] === "\n");
    for (const rule of RULES) {
      const pattern = rule[rule.length - 2];
      if ((rule[0] === "^" && !atStart) || (rule[0] === "@" && !options.everyone)) continue;
      pattern.lastIndex = at;
      if (!(hit = pattern.exec(text))) continue;
      const made = rule[rule.length - 1](hit, inner);
      if (typeof made === "string") plain += made; else { if (plain) nodes.push(plain); plain = ""; nodes.push(made); }
      at += hit[0].length;
      break;
    }
    if (!hit) { const step = /[^][^\\`*_~|<[@h\n]*/y; step.lastIndex = at; const part = text[at] === "\n" ? "\n" : step.exec(text)[0]; plain += part; at += part.length; }
  }
  if (plain) nodes.push(plain);
  return nodes;
}
