"use strict";
// Hostile text arrives here on purpose: what a message says only ever becomes text nodes and checked http(s) links.
const COLORS = ["#4e5ad9", "#5c6470", "#2d7d46", "#8f5a00", "#c0353a", "#b02d78"];
const ICONS = {
  hash: "M10.99 3.16A1 1 0 1 0 9 2.84L8.15 8H4a1 1 0 0 0 0 2h3.82l-.67 4H3a1 1 0 1 0 0 2h3.82l-.8 4.84a1 1 0 0 0 1.97.32L8.85 16h4.97l-.8 4.84a1 1 0 0 0 1.97.32l.86-5.16H20a1 1 0 1 0 0-2h-3.82l.67-4H21a1 1 0 1 0 0-2h-3.82l.8-4.84a1 1 0 1 0-1.97-.32L15.15 8h-4.97l.8-4.84ZM14.15 14l.67-4H9.85l-.67 4h4.97Z",
  bot: "M11 2a1 1 0 0 1 2 0v3h4a4 4 0 0 1 4 4v7a4 4 0 0 1-4 4H7a4 4 0 0 1-4-4V9a4 4 0 0 1 4-4h4V2ZM8.5 9.5a2 2 0 1 0 0 4 2 2 0 0 0 0-4Zm7 0a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM8 16a.9.9 0 0 0 0 1.8h8a.9.9 0 0 0 0-1.8H8Z",
  bell: "M3.3 2.3a1 1 0 0 1 1.4 0l17 17a1 1 0 0 1-1.4 1.4L17.6 18H4.5c-1 0-1.5-1.2-.8-1.9L5 14.8V10c0-1.2.3-2.300.8-3.300L3.300 3.700a1 1 0 0 1 0-1.400ZM12 3a7 7 0 0 1 7 7v4.200L8.500 3.900A7 7 0 0 1 12 3ZM9.500 19.500h5a2.500 2.500 0 0 1-5 0Z",
  file: "M6 2h7v5a2 2 0 0 0 2 2h5v11a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V4c0-1.100.900-2 2-2Zm9 .500L19.500 7H15V2.500ZM8 12v1.500h8V12H8Zm0 4v1.500h6V16H8Z",
};
Object.assign(ICONS, {
  forum: "M5 3h14a3 3 0 0 1 3 3v7a3 3 0 0 1-3 3h-5.600L8 20.500V16H5a3 3 0 0 1-3-3V6a3 3 0 0 1 3-3Zm1.500 4v1.500h11V7h-11Zm0 3.500V12H14v-1.500H6.500Z",
  thread: "M6 3h1.600v9.400c0 1.700.9 2.600 2.600 2.600h6.200l-2.600-2.600L15 11.200l4.600 4.600L15 20.400l-1.200-1.200 2.600-2.600h-6.200c-2.700 0-4.200-1.500-4.200-4.200V3Z",
  down: "M5.300 8.300a1 1 0 0 1 1.400 0l5.300 5.300 5.300-5.300a1 1 0 1 1 1.400 1.400l-6 6a1 1 0 0 1-1.400 0l-6-6a1 1 0 0 1 0-1.400Z",
  plus: "M11 4a1 1 0 0 1 2 0v7h7a1 1 0 1 1 0 2h-7v7a1 1 0 1 1-2 0v-7H4a1 1 0 1 1 0-2h7V4Z",
  bolt: "M13.500 2 4 13.500h6.500L9 22l10-12.500h-6.800L13.500 2Z",
  theme: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Zm0 2v14a7 7 0 0 1 0-14Z",
  slash: "M15.500 3 7 21h1.800L17.300 3h-1.800Z",
});
const FORUM = 15, CATEGORY = 4, isThread = (channel) => [10, 11, 12].includes(channel.type);
const all = new URLSearchParams(location.search).has("all"), $ = (id) => document.getElementById(id);
let guilds = [], current = null, pending = null, last = null;
// Messages, and what is known of them, by the id of their channel; `people` are names by id.
const messages = new Map(), unread = new Map(), pinged = new Set(), people = new Map(), texts = new Map();

function el(tag, cls, ...children) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  node.append(...children.flat().filter((child) => child != null && child !== ""));
  return node;
}
const titled = (node, title) => { node.title = title; return node; };
function icon(name, size) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg"), path = document.createElementNS(svg.namespaceURI, "path");
  for (const [key, value] of [["viewBox", "0 0 24 24"], ["width", size], ["height", size]]) svg.setAttribute(key, value);
  path.setAttribute("d", ICONS[name]); path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}
function safeUrl(text, files = []) {
  const attached = /^attachment:\/\/(.+)/.exec(text || "");
  if (attached) text = files.find((file) => file.filename === attached[1])?.url;
  if (typeof text !== "string" || !text) return null;
  try {
    const url = new URL(text, location.href), local = ["localhost", "127.0.0.1", "[::1]"];
    if (!/^https?:$/.test(url.protocol)) return null;
    // The server names itself 127.0.0.1; a page that was opened by another name must still get its files.
    return url.port === location.port && local.includes(url.hostname) && local.includes(location.hostname) ? url.pathname + url.search : url.href;
  } catch { return null; }
}
function link(url, cls, ...children) {
  if (!url) return el("span", cls, ...children);
  const a = el("a", cls, ...children);
  a.href = url; a.target = "_blank"; a.rel = "noopener noreferrer";
  return a;
}
// The default avatars are drawn here: the page shows them without a network too.
const AVATARS = ["#5865f2", "#757e8a", "#3ba55c", "#faa61a", "#ed4245", "#eb459f"];
function drawn(url) {
  const number = /^https:\/\/cdn\.discordapp\.com\/embed\/avatars\/([0-5])\.png/.exec(url);
  if (!number) return url;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="80" height="80" viewBox="0 0 80 80"><rect width="80" height="80" fill="${AVATARS[number[1]]}"/><g fill="#fff"><circle cx="40" cy="31" r="13"/><path d="M14 71a26 23 0 0 1 52 0z"/></g></svg>`;
  return "data:image/svg+xml," + encodeURIComponent(svg);
}
function image(url, cls) {
  if (!url) return null;
  const img = el("img", cls);
  img.alt = ""; img.referrerPolicy = "no-referrer"; img.addEventListener("error", () => img.remove());
  img.src = drawn(url);
  return img;
}

// ---- times, in the viewer's zone
const fmt = (options) => { const f = new Intl.DateTimeFormat(undefined, options); return (date) => isNaN(date) ? "?" : f.format(date); };
const STYLES = { t: { timeStyle: "short" }, T: { timeStyle: "medium" }, d: { dateStyle: "short" }, D: { dateStyle: "long" }, f: { dateStyle: "long", timeStyle: "short" }, F: { dateStyle: "full", timeStyle: "short" } };
const TIME = Object.fromEntries(Object.entries(STYLES).map(([key, options]) => [key, fmt(options)]));
const dayOf = (date) => new Date(date).toDateString();
function friendly(iso) {
  const date = new Date(iso);
  if (dayOf(date) === dayOf(Date.now())) return "Today at " + TIME.t(date);
  return dayOf(date) === dayOf(Date.now() - 864e5) ? "Yesterday at " + TIME.t(date) : TIME.d(date) + " " + TIME.t(date);
}
function ago(date) {
  const seconds = (date - Date.now()) / 1000, relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  for (const [unit, length] of [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]])
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
  return relative.format(Math.round(seconds), "second");
}
setInterval(() => document.querySelectorAll("[data-ago]").forEach((node) => { node.textContent = ago(+node.dataset.ago); }), 1000);
