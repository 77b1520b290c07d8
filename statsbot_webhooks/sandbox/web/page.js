"use strict";
// ---- the page
const channels = () => guilds.flatMap((guild) => guild.channels.filter((channel) => channel.type !== CATEGORY));
const guildOf = (channel) => guilds.find((guild) => guild.channels.includes(channel));
const of = (channelId) => messages.get(channelId) || messages.set(channelId, []).get(channelId);
const listOf = (channelId) => [...document.querySelectorAll(".list")].find((list) => list.dataset.channel === channelId);
function note(m) { people.set(m.author.id, nameOf(m.author)); for (const user of m.mentions || []) people.set(user.id, nameOf(user)); }
const iconOf = (channel) => channel.type === FORUM ? "forum" : channel.type === THREAD ? "thread" : "hash";
const childrenOf = (channel) => guildOf(channel).channels.filter((c) => c.type === THREAD && c.parent_id === channel.id);
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
  return el("section", posts.length ? "col" : "col vacant", header(channel), list);
}
function header(channel) {
  const parent = channel.type === THREAD && guildOf(channel).channels.find((c) => c.id === channel.parent_id);
  const path = parent ? el("a", "parent", icon(iconOf(parent), 24), parent.name, " \u203a") : null;
  if (path) path.href = "#channel=" + parent.id;
  return el("header", "top", path, icon(iconOf(channel), 24), el("span", "", channel.name), channel.topic ? titled(el("small", "", channel.topic), channel.topic) : null);
}
function column(channel) {
  if (channel.type === FORUM) return forum(channel);
  const mine = of(channel.id), start = Math.max(0, mine.length - (shown.get(channel.id) || PAGE)), rows = el("ol"), list = el("div", "list", rows), jump = el("button", "jump", "New messages · Jump to present");
  if (!start) rows.append(el("li", "welcome", el("i", "", icon(iconOf(channel), 40)), el("h2", "", channel.type === THREAD ? channel.name : `Welcome to #${channel.name}!`), el("p", "", channel.type === THREAD ? "This is the start of the thread." : `This is the start of the #${channel.name} channel.`)));
  for (let i = start; i < mine.length; i++) rows.append(showMessage(mine, i));
  list.dataset.channel = channel.id; list.stuck = true; jump.hidden = true;
  const toEnd = () => { list.scrollTop = list.scrollHeight; };
  jump.onclick = toEnd;
  list.onscroll = () => {
    list.stuck = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    if (list.stuck) jump.hidden = true;
    if (list.scrollTop > 50 || list.stuck || mine.length <= rows.querySelectorAll("[data-message]").length) return;
    const below = list.scrollHeight - list.scrollTop, from = Math.max(0, mine.length - rows.querySelectorAll("[data-message]").length - PAGE);
    shown.set(channel.id, mine.length - from);
    rows.replaceChildren(...mine.slice(from).map((_, i) => showMessage(mine, from + i)));
    list.scrollTop = list.scrollHeight - below;
  };
  // Previews and pictures arrive later and change the height.
  const watch = new ResizeObserver(() => { if (list.stuck) toEnd(); });
  watch.observe(rows); watch.observe(list);
  return el("section", mine.length ? "col" : "col vacant", header(channel), list, jump, el("div", "box", "You do not have permission to send messages in this channel."));
}
function entry(c) {
  const count = unread.get(c.id), badge = count ? el("b", pinged.has(c.id) ? "count ping" : "count", count > 99 ? "99+" : String(count)) : null;
  const node = el("button", "chan" + (c.type === THREAD ? " thread" : "") + (c === current ? " on" : "") + (count ? " unread" : ""), c.type === THREAD ? null : icon(iconOf(c), 20), el("span", "", c.name), badge);
  node.onclick = () => { location.hash = "channel=" + c.id; };
  return node;
}
function drawMembers(guild) {
  const members = guild?.members || [], isAdmin = (member) => member.roles?.some((id) => guild.roles?.find((role) => role.id === id)?.name === "Admins") || member.user.id === guild.owner_id;
  const groups = [["Admins", members.filter((m) => !m.user.bot && isAdmin(m))], ["Bots", members.filter((m) => m.user.bot)], ["Members", members.filter((m) => !m.user.bot && !isAdmin(m))]];
  $("people").replaceChildren(...groups.filter(([, list]) => list.length).flatMap(([name, list]) => [el("div", "cat", `${name} — ${list.length}`),
    ...list.slice(0, 100).map((member) => el("div", "person", avatar({ author: member.user }, 20), el("span", "", nameOf(member.user)), member.user.bot ? el("span", "tag", "APP") : null))]));
}
function drawSide() {
  const guild = guildOf(current);
  $("rail").replaceChildren(...guilds.map((g) => {
    const node = titled(el("button", "server" + (g === guild ? " on" : "") + (g.channels.some((c) => unread.get(c.id)) ? " unread" : ""), g.name.split(/\s+/).map((word) => [...word][0] || "").join("").slice(0, 3)), g.name);
    node.onclick = () => { location.hash = "channel=" + (g.channels.find((c) => c.type !== 4)?.id || ""); };
    return node;
  }));
  document.querySelector("#side h1").textContent = guild?.name || "No server";
  const tops = (guild?.channels || []).filter((c) => c.type !== CATEGORY && c.type !== THREAD), groups = new Map([[null, []]]);
  for (const c of tops) groups.set(c.parent_id ?? null, [...(groups.get(c.parent_id ?? null) || []), c]);
  const nameOfGroup = (id) => guild.channels.find((c) => c.id === id)?.name || "Text Channels";
  $("chans").replaceChildren(...[...groups].filter(([, list]) => list.length).flatMap(([id, list]) => [el("div", "cat", icon("down", 12), nameOfGroup(id)), ...list.flatMap((c) => [entry(c), ...childrenOf(c).map(entry)])]));
  drawMembers(guild);
  const waiting = [...unread.values()].reduce((sum, n) => sum + n, 0);
  document.title = (waiting ? `(${waiting}) ` : "") + (current ? `#${current.name} | ${guild.name}` : "Sandbox");
}
function wanted() {
  let name = /channel=([^&]+)/.exec(location.hash)?.[1] || "";
  try { name = decodeURIComponent(name); } catch { /* taken as it is */ }
  const found = channels();
  return found.find((c) => c.id === name) || found.find((c) => c.name === name) || found.find((c) => of(c.id).length) || found[0] || null;
}
function draw() {
  current = wanted();
  const columns = !current ? [] : all ? guildOf(current).channels.filter((c) => c.type !== CATEGORY && c.type !== THREAD) : [current];
  for (const channel of columns) { unread.delete(channel.id); pinged.delete(channel.id); }
  document.body.classList.toggle("all", all);
  $("main").replaceChildren(...columns.map(column));
  drawSide();
}
const ACTIONS = {
  message_create(m) {
    const list = listOf(m.channel_id), mine = of(m.channel_id);
    if (mine.some((other) => other.id === m.id)) return;
    mine.push(m); note(m);
    const thread = channels().find((c) => c.id === m.channel_id && c.type === THREAD), posts = thread && document.querySelector(`[data-forum="${thread.parent_id}"]`);
    if (posts) draw();
    if (!list) {
      unread.set(m.channel_id, (unread.get(m.channel_id) || 0) + 1);
      if (m.mention_everyone) pinged.add(m.channel_id);
      return drawSide();
    }
    list.firstChild.append(showMessage(mine, mine.length - 1));
    list.parentNode.classList.remove("vacant");
    if (list.stuck) list.scrollTop = list.scrollHeight; else list.parentNode.querySelector(".jump").hidden = false;
  },
  message_update(m) { const i = of(m.channel_id).findIndex((other) => other.id === m.id); if (i >= 0) { of(m.channel_id)[i] = m; redraw(m.channel_id, i); } },
  message_delete(m) {
    const mine = of(m.channel_id), i = mine.findIndex((other) => other.id === m.id);
    if (i < 0) return;
    rowOf(mine[i])?.remove();
    mine.splice(i, 1);
    redraw(m.channel_id, i);  // It may begin a group, or a day, now.
  },
  channel_create(channel) {
    const guild = guilds.find((g) => g.id === channel.guild_id);
    if (!guild) return load();
    if (!guild.channels.some((c) => c.id === channel.id)) guild.channels.push(channel);
    if (all || !current) draw(); else drawSide();
  },
  channel_delete(channel) {
    const guild = guilds.find((g) => g.id === channel.guild_id);
    if (guild) guild.channels = guild.channels.filter((c) => c.id !== channel.id && c.parent_id !== channel.id);
    draw();
  },
  member(change) {
    const guild = guilds.find((g) => g.id === change.guild_id);
    if (!guild) return;
    guild.members = (guild.members || []).filter((member) => member.user.id !== change.user.id);
    if (change.joined) { guild.members.push({ user: change.user, roles: change.roles || [] }); people.set(change.user.id, nameOf(change.user)); }
    drawMembers(guildOf(current));
  },
};
const rowOf = (m) => [...(listOf(m.channel_id)?.querySelectorAll("[data-message]") || [])].find((row) => row.dataset.message === m.id);
function redraw(channelId, i) { const m = of(channelId)[i]; if (m) rowOf(m)?.replaceWith(showMessage(of(channelId), i)); }
const act = (kind, data) => { last = null; ACTIONS[kind](data); };
function take(state) {
  last = JSON.stringify(state);
  guilds = state.guilds; messages.clear();
  for (const guild of guilds) for (const member of guild.members || []) if (member.user) people.set(member.user.id, nameOf(member.user));
  for (const [id, list] of Object.entries(state.messages)) { messages.set(id, list); list.forEach(note); }
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
const events = new EventSource("/page/events");
const status = (live) => { $("me").classList.toggle("live", live); document.querySelector("#me small").textContent = live ? "Live" : "Reconnecting…"; };
for (const kind of Object.keys(ACTIONS)) events.addEventListener(kind, (e) => { const data = JSON.parse(e.data); if (pending) pending.push([kind, data]); else act(kind, data); });
events.onopen = () => { status(true); load(); };
events.onerror = () => status(false);
addEventListener("hashchange", draw);
take(JSON.parse($("state").textContent));  // The page is complete once it is loaded, for pictures of it too.
