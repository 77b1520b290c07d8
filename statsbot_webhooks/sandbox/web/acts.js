"use strict";
// ---- what the person in front of the page does: asked of the server, said when it fails
let about = null, actor = null;
// Commands by server, as they are asked for and as they are known.
const commandsOf = new Map(), commandsNow = new Map();
const canAct = () => about !== null;
function toast(text, bad = true) {
  const node = el("div", bad ? "toast bad" : "toast", text);
  $("toasts").append(node);
  setTimeout(() => node.remove(), 6000);
  return node;
}
async function ask(what, quiet = false) {
  const guild = guildOf(current)?.id ?? guilds[0]?.id;
  const body = JSON.stringify({ user: actor, guild, ...what });
  try {
    const answer = await fetch("/page/act", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error || `the sandbox answered ${answer.status}`);
    return said;
  } catch (error) {
    if (quiet) throw error;
    toast(error.message === "Failed to fetch" ? "The sandbox does not answer." : error.message);
    return null;
  }
}
const placeOf = (channel) => channel.direct ? { direct: true, channel: channel.id } : { channel: channel.id };
// What the bot answered: a form, or nothing in time.
function answered(said, name) {
  if (!said) return;
  if (!said.acknowledged) return toast(`The application did not respond to ${name}.`);
  if (said.modal?.custom_id) return openForm(said.modal, said.interaction);
  if (said.private) takePrivate({ user_id: actor, message: said.private });
  if (said.deferred && !said.private) toast(`${nameOf(about.bot)} is thinking…`, false).classList.add("thinking");
}
// Messages that only the one who acted sees: they stand at the end of their channel until dismissed or the page is reloaded.
function takePrivate({ user_id, message, gone }) {
  const mine = of(message.channel_id), i = mine.findIndex((other) => other.id === message.id);
  if (gone) { if (i >= 0) remove(message); return; }
  message.private_to = user_id;
  if (i >= 0) { mine[i] = message; listOf(message.channel_id)?.messages.redraw(message); return; }
  if (user_id !== actor) return;
  add(message);
}
function dismiss(m) { remove(m); }
const memberName = (id) => people.get(id) || "unknown";
const membersOf = (guild) => (guild?.members || []).filter((member) => member.user);
function setActor(id) {
  actor = id;
  try { sessionStorage.setItem("actor", id); } catch { /* it is asked again next time */ }
  for (const [channelId, list] of messages) messages.set(channelId, list.filter((m) => !m.private_to || m.private_to === id));
  draw();
}
async function loadCommands(channel) {
  const guild = channel.direct ? "" : guildOf(channel)?.id ?? "";
  if (!commandsOf.has(guild)) commandsOf.set(guild, fetch(`/page/commands?guild=${guild}`).then((answer) => answer.json()).catch(() => []));
  const known = await commandsOf.get(guild);
  commandsNow.set(guild, known);
  return known;
}
async function refreshAbout() {
  try { about = await (await fetch("/page/about")).json(); } catch { /* the stream tells when the server is back */ }
}

// ---- dialogs: the browser keeps the focus in them, closes them with Escape and gives the focus back
function dialog(title, ...children) {
  const node = el("dialog", "", el("h2", "", title), ...children), label = `d${Math.random().toString(36).slice(2)}`;
  node.firstChild.id = label; node.setAttribute("aria-labelledby", label);
  node.addEventListener("close", () => node.remove());
  node.addEventListener("click", (event) => { if (event.target === node) node.close(); });
  document.body.append(node);
  node.showModal();
  return node;
}
function menu(title, items) {
  const node = dialog(title, el("div", "items", items.filter(Boolean).map(([text, run]) => {
    const button = el("button", "item", text);
    button.type = "button";
    button.onclick = () => { node.close(); run(); };
    return button;
  })));
  return node;
}
function labelled(text, field, hint) {
  const id = `f${Math.random().toString(36).slice(2)}`, label = el("label", "", text);
  field.id = id; label.htmlFor = id;
  const box = el("div", "labelled", label, field);
  if (hint) { const small = el("small", "", hint); small.id = id + "h"; field.setAttribute("aria-describedby", small.id); box.append(small); }
  return box;
}
function input(type, name, value = "", more = {}) { const node = el("input"); Object.assign(node, { type, name, value, ...more }); return node; }
function select(name, options, value) {
  const node = el("select");
  node.name = name;
  for (const [key, text] of options) { const option = el("option", "", text); option.value = key; node.append(option); }
  if (value != null) node.value = value;
  return node;
}
// A dialog with fields; `run` gets their values and returns what went wrong, if anything.
function form(title, fields, button, run) {
  const problem = el("p", "problem"), inner = el("form", "", fields, problem), buttons = el("div", "buttons");
  const cancel = el("button", "press secondary", "Cancel"), ok = el("button", "press primary", button);
  cancel.type = "button"; ok.type = "submit"; problem.setAttribute("role", "alert");
  buttons.append(cancel, ok); inner.append(buttons);
  const node = dialog(title, inner);
  cancel.onclick = () => node.close();
  inner.onsubmit = async (event) => {
    event.preventDefault();
    ok.disabled = true;
    const wrong = await run(inner);
    ok.disabled = false;
    if (wrong) problem.textContent = wrong; else node.close();
  };
  inner.querySelector("input, textarea, select")?.focus();
  return node;
}
const readFile = (file) => new Promise((done) => { const reader = new FileReader(); reader.onload = () => done({ name: file.name, data: reader.result.split(",")[1] || "" }); reader.readAsDataURL(file); });
async function tryAsk(what) {
  try { await ask(what, true); return ""; } catch (error) { return error.message; }
}
