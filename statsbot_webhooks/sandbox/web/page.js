"use strict";
// ---- the page
const channels = () => [...guilds.flatMap((guild) => guild.channels.filter((channel) => channel.type !== CATEGORY)), ...directs()];
const guildOf = (channel) => guilds.find((guild) => guild.channels.includes(channel));
const channelOf = (id) => channels().find((channel) => channel.id === id);
const of = (channelId) => messages.get(channelId) || messages.set(channelId, []).get(channelId);
const listOf = (channelId) => [...document.querySelectorAll(".list")].find((list) => list.dataset.channel === channelId);
function note(m) { people.set(m.author.id, nameOf(m.author)); for (const user of m.mentions || []) people.set(user.id, nameOf(user)); }
const iconOf = (channel) => channel.direct ? "bot" : channel.type === FORUM ? "forum" : isThread(channel) ? "thread" : "hash";
const childrenOf = (channel) => guildOf(channel)?.channels.filter((c) => isThread(c) && c.parent_id === channel.id) || [];
// The channel of a user and the bot: the sandbox gives it the number after the user's own.
const directId = (userId) => String(BigInt(userId) + 1n);
const directChannels = new Map();
function directs() {
  if (!canAct() || !actor) return [];
  if (!directChannels.has(actor)) directChannels.set(actor, { id: directId(actor), name: nameOf(about.bot), type: 1, direct: true, topic: "" });
  return [directChannels.get(actor)];
}
// A forum holds no messages but posts: threads with a title.
function post(thread) {
  const mine = of(thread.id), first = mine[0], newest = mine[mine.length - 1];
  const about = first ? first.content || first.embeds?.[0]?.title || first.embeds?.[0]?.description || "" : "", count = Math.max(0, mine.length - 1);
  const card = el("button", "post", el("div", "by", first ? nameOf(first.author) : "", newest ? el("time", "", friendly(newest.timestamp)) : null), el("h3", "", thread.name),
    el("p", "", about.slice(0, 200)), el("small", "", count + (count === 1 ? " reply" : " replies")));
  card.onclick = () => { location.hash = "channel=" + thread.id; };
  return card;
}
function forum(channel) {
  const posts = childrenOf(channel).reverse(), list = el("div", "list forum", posts.length ? posts.map(post) : el("p", "none", "No posts yet."));
  list.dataset.forum = channel.id;
  return section(channel, posts.length, list, canAct() ? el("div", "composer", tool("Start a post…", () => threadForm(channel), "send")) : null);
}
function tool(text, run, cls = "tool", name = "") { const node = el("button", cls, text); node.type = "button"; node.onclick = run; if (name) { node.title = name; node.setAttribute("aria-label", name); } return node; }
function header(channel) {
  const parent = isThread(channel) && guildOf(channel).channels.find((c) => c.id === channel.parent_id);
  const path = parent ? el("a", "parent", icon(iconOf(parent), 24), parent.name, " \u203a") : null, metadata = channel.thread_metadata || {};
  if (path) path.href = "#channel=" + parent.id;
  const state = metadata.locked ? "locked" : metadata.archived ? "archived" : "", open = tool("☰", () => document.body.classList.toggle("drawer"), "drawer-button", "Servers and channels");
  return el("header", "top", open, path, icon(iconOf(channel), 24), el("span", "", channel.name), channel.topic ? titled(el("small", "", channel.topic), channel.topic) : null, state ? el("small", "", state) : null);
}
function section(channel, isFull, ...parts) {
  const node = el("section", isFull ? "col" : "col vacant", header(channel), ...parts);
  node.setAttribute("aria-label", (channel.direct ? "" : "#") + channel.name);
  return node;
}
function column(channel) {
  if (channel.type === FORUM) return forum(channel);
  const list = new MessageList(channel);
  return section(channel, of(channel.id).length, list.node, list.jump, canAct() ? composer(channel) : el("div", "box", "You do not have permission to send messages in this channel."));
}
function entry(c) {
  const count = unread.get(c.id), badge = count ? el("b", pinged.has(c.id) ? "count ping" : "count", count > 99 ? "99+" : String(count)) : null;
  const node = el("button", "chan" + (isThread(c) ? " thread" : "") + (c === current ? " on" : "") + (count ? " unread" : ""), isThread(c) ? null : icon(iconOf(c), 20), el("span", "", c.name), badge);
  if (c === current) node.setAttribute("aria-current", "page");
  if (count) badge.setAttribute("aria-label", `${count} unread`);
  node.onclick = () => { document.body.classList.remove("drawer"); location.hash = "channel=" + c.id; };
  return node;
}
function drawMembers(guild) {
  const members = membersOf(guild), isAdmin = (member) => member.roles?.some((id) => guild.roles?.find((role) => role.id === id)?.name === "Admins") || member.user.id === guild.owner_id;
  const groups = [["Admins", members.filter((m) => !m.user.bot && isAdmin(m))], ["Bots", members.filter((m) => m.user.bot)], ["Members", members.filter((m) => !m.user.bot && !isAdmin(m))]];
  $("people").replaceChildren(...groups.filter(([, list]) => list.length).flatMap(([name, list]) => [el("h2", "cat", `${name} — ${list.length}`),
    ...list.slice(0, 100).map((member) => {
      const node = el("button", "person", avatar({ author: member.user }, 20), el("span", "", member.nick || nameOf(member.user)), member.user.bot ? el("span", "tag", "APP") : null);
      node.type = "button"; node.disabled = !canAct(); node.onclick = () => memberMenu(member, guild);
      if (member.user.bot) node.setAttribute("aria-label", `${member.nick || nameOf(member.user)}, app`);
      return node;
    })]));
}
function drawTools() {
  if (!canAct()) return;
  const who = tool("", actorMenu, "tool who-acts", `Act as ${memberName(actor)}: choose another`);
  who.append(avatar({ author: { username: memberName(actor) } }, 20));
  $("tools").replaceChildren(who, tool(icon("plus", 22), eventsMenu, "tool", "Something happens"), tool(icon("bolt", 22), faultsMenu, "tool", "Break something"), tool(icon("theme", 22), changeTheme, "tool", "Light or dark"));
  document.querySelector("#me span").firstChild.textContent = memberName(actor);
}
function changeTheme() {
  const now = document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
  document.documentElement.dataset.theme = now === "light" ? "dark" : "light";
  try { localStorage.setItem("theme", document.documentElement.dataset.theme); } catch { /* it is for this visit */ }
}
function drawSide() {
  const guild = guildOf(current) || guilds[0];
  $("rail").querySelector(".servers").replaceChildren(...guilds.map((g) => {
    const node = titled(el("button", "server" + (g === guild ? " on" : "") + (g.channels.some((c) => unread.get(c.id)) ? " unread" : ""), g.name.split(/\s+/).map((word) => [...word][0] || "").join("").slice(0, 3)), g.name);
    node.setAttribute("aria-label", g.name);
    if (g === guild) node.setAttribute("aria-current", "true");
    node.onclick = () => { location.hash = "channel=" + (g.channels.find((c) => c.type !== 4)?.id || ""); };
    return node;
  }));
  document.querySelector("#side h1").textContent = guild?.name || "No server";
  const tops = (guild?.channels || []).filter((c) => c.type !== CATEGORY && !isThread(c)), groups = new Map([[null, []]]);
  for (const c of tops) groups.set(c.parent_id ?? null, [...(groups.get(c.parent_id ?? null) || []), c]);
  const nameOfGroup = (id) => guild.channels.find((c) => c.id === id)?.name || "Text Channels", private_ = directs();
  $("chans").replaceChildren(...[...groups].filter(([, list]) => list.length).flatMap(([id, list]) => [el("div", "cat", icon("down", 12), nameOfGroup(id)), ...list.flatMap((c) => [entry(c), ...childrenOf(c).map(entry)])]),
    ...(private_.length ? [el("div", "cat", icon("down", 12), "Direct Messages"), ...private_.map(entry)] : []));
  drawMembers(guild);
  const waiting = [...unread.values()].reduce((sum, n) => sum + n, 0);
  document.title = (waiting ? `(${waiting}) ` : "") + (current ? `${current.direct ? "" : "#"}${current.name} | ${guild?.name || "Sandbox"}` : "Sandbox");
}
function named() {
  const name = /channel=([^&]+)/.exec(location.hash)?.[1] || "";
  try { return decodeURIComponent(name); } catch { return name; }
}
function wanted() {
  const name = named(), found = channels();
  if (name) return found.find((c) => c.id === name) || found.find((c) => c.name === name) || null;
  return found.find((c) => of(c.id).length) || found[0] || null;
}
function unknown(name) {
  const list = el("div", "list unknown", el("h2", "", `There is no channel “${name}”`), el("p", "", channels().length ? "There are:" : "There are no channels."), el("div", "items", channels().map((c) => {
    const a = el("a", "item", (c.direct ? "" : "#") + c.name);
    a.href = "#channel=" + c.id;
    return a;
  })));
  list.setAttribute("role", "status");
  return el("section", "col", el("header", "top", tool("☰", () => document.body.classList.toggle("drawer"), "drawer-button", "Servers and channels"), el("span", "", "Unknown channel")), list);
}
function draw() {
  current = wanted();
  const columns = !current ? [] : all && !current.direct ? guildOf(current).channels.filter((c) => c.type !== CATEGORY && !isThread(c)) : [current];
  for (const channel of columns) { unread.delete(channel.id); pinged.delete(channel.id); }
  document.body.classList.toggle("all", all && !current?.direct);
  const typed = new Map([...document.querySelectorAll(".composer textarea")].map((area) => [area.id, area.value])), focused = document.activeElement?.id;
  $("main").replaceChildren(...(current || !named() ? columns.map(column) : [unknown(named())]));
  for (const list of document.querySelectorAll(".list")) list.messages?.toEnd();
  for (const area of document.querySelectorAll(".composer textarea")) { area.value = typed.get(area.id) || ""; if (area.id === focused) area.focus(); }
  drawSide();
  drawTools();
}
function add(m) {
  const list = listOf(m.channel_id), mine = of(m.channel_id);
  if (mine.some((other) => other.id === m.id)) return;
  if (m.author.bot) document.querySelector(".toast.thinking")?.remove();
  mine.push(m); note(m);
  const thread = channels().find((c) => c.id === m.channel_id && isThread(c)), posts = thread && document.querySelector(`[data-forum="${thread.parent_id}"]`);
  if (posts) draw();
  if (!list) {
    unread.set(m.channel_id, (unread.get(m.channel_id) || 0) + 1);
    if (m.mention_everyone) pinged.add(m.channel_id);
    return drawSide();
  }
  list.parentNode.classList.remove("vacant");
  list.messages.changed(true);
}
function remove(m) {
  const mine = of(m.channel_id), i = mine.findIndex((other) => other.id === m.id);
  if (i < 0) return;
  mine.splice(i, 1);
  const list = listOf(m.channel_id)?.messages;
  if (list && mine[i]) { list.rows.get(mine[i].id)?.remove(); list.rows.delete(mine[i].id); }  // It may begin a group, or a day, now.
  list?.changed();
}
function changeChannel(channel) {
  const guild = guilds.find((g) => g.id === channel.guild_id), i = guild?.channels.findIndex((c) => c.id === channel.id) ?? -1;
  if (i >= 0) { Object.assign(guild.channels[i], channel); draw(); }
}
const ACTIONS = {
  message_create: add,
  message_update(m) {
    const mine = of(m.channel_id), i = mine.findIndex((other) => other.id === m.id);
    if (i >= 0) { m.mine = mine[i].mine; mine[i] = m; listOf(m.channel_id)?.messages.redraw(m); }
  },
  message_delete: remove,
  private: takePrivate,
  channel_create(channel) {
    const guild = guilds.find((g) => g.id === channel.guild_id);
    if (!guild) return load();
    if (!guild.channels.some((c) => c.id === channel.id)) guild.channels.push(channel);
    if (all || !current) draw(); else drawSide();
  },
  channel_update: changeChannel,
  channel_delete(channel) {
    const guild = guilds.find((g) => g.id === channel.guild_id);
    if (guild) guild.channels = guild.channels.filter((c) => c.id !== channel.id && c.parent_id !== channel.id);
    draw();
  },
  member(change) {
    const guild = guilds.find((g) => g.id === change.guild_id);
    if (!guild) return;
    const before = membersOf(guild), i = before.findIndex((member) => member.user.id === change.user.id);
    const now = { ...(before[i] || {}), user: change.user, roles: change.roles || before[i]?.roles || [], nick: change.nick ?? null };
    guild.members = i < 0 ? before : before.filter((_, at) => at !== i);
    if (change.joined) { if (i < 0) guild.members.push(now); else guild.members.splice(i, 0, now); people.set(change.user.id, nameOf(change.user)); }
    drawMembers(guildOf(current) || guild);
  },
  roles(change) { const guild = guilds.find((g) => g.id === change.guild_id); if (guild) guild.roles = change.roles; },
  ban: refreshAbout,
  about: refreshAbout,
  commands() { commandsOf.clear(); commandsNow.clear(); },
};
const act = (kind, data) => { last = null; ACTIONS[kind](data); };
function take(state) {
  last = JSON.stringify(state);
  guilds = state.guilds; messages.clear();
  about = state.about ?? null;
  for (const [id, name] of Object.entries(about?.names || {})) people.set(id, name);
  for (const guild of guilds) for (const member of guild.members || []) if (member.user) people.set(member.user.id, nameOf(member.user));
  for (const [id, list] of Object.entries(state.messages)) { messages.set(id, list); list.forEach(note); }
  if (about && !actor) { try { actor = sessionStorage.getItem("actor"); } catch { /* no storage */ } }
  if (about && !guilds.some((guild) => membersOf(guild).some((member) => member.user.id === actor))) actor = about.me;
  draw();
}
async function load() {
  if (pending) return;
  pending = [];  // What arrives while the snapshot is on its way comes after it.
  try {
    const state = await (await fetch("/page/state")).json();
    if (JSON.stringify(state) !== last) take(state);
  } finally {
    const late = pending;
    pending = null;
    for (const [kind, data] of late) act(kind, data);
  }
}
try { const theme = new URLSearchParams(location.search).get("theme") || localStorage.getItem("theme"); if (theme) document.documentElement.dataset.theme = theme; } catch { /* the system's theme */ }
const events = new EventSource("/page/events");
const status = (live) => { $("me").classList.toggle("live", live); document.querySelector("#me small").textContent = live ? "Live" : "Reconnecting…"; };
for (const kind of Object.keys(ACTIONS)) events.addEventListener(kind, (e) => { const data = JSON.parse(e.data); if (pending) pending.push([kind, data]); else act(kind, data); });
events.onopen = () => { status(true); load(); };
events.onerror = () => status(false);
addEventListener("hashchange", draw);
take(JSON.parse($("state").textContent));  // The page is complete once it is loaded, for pictures of it too.
