"use strict";
// ---- the message box: text, files, and commands with their options completed as they are typed
const replies = new Map();
function setReply(channel, m) { replies.set(channel.id, m); listOf(channel.id)?.parentNode.querySelector(".composer")?.refresh(); }
const KINDS_OF_OPTIONS = { 3: "text", 4: "whole number", 5: "True or False", 6: "member", 7: "channel", 8: "role", 9: "member or role", 10: "number", 11: "file" };
// "/price item: apple count: 3" -> the command, what was given for each option, and the option at the end.
function parse(text, commands) {
  const known = commands.filter((command) => command.type === 1).sort((a, b) => b.name.length - a.name.length);
  const command = known.find((one) => text === "/" + one.name || text.startsWith("/" + one.name + " "));
  if (!command) return null;
  const rest = text.slice(command.name.length + 2), names = command.options.map((option) => option.name), values = {};
  const at = names.length ? [...rest.matchAll(new RegExp(`(?:^|\\s)(${names.map((name) => name.replace(/[^\w-]/g, "\\$&")).join("|")}):`, "g"))] : [];
  at.forEach((hit, i) => { values[hit[1]] = rest.slice(hit.index + hit[0].length, at[i + 1]?.index).trim(); });
  const first = command.options.find((option) => option.required) || command.options[0];
  if (!at.length && rest.trim() && first) values[first.name] = rest.trim();
  return { command, values, last: at.length ? at[at.length - 1][1] : null, rest };
}
function converted(option, text, guild) {
  const plain = text.replace(/^[@#]/, ""), id = /^<?[@#]?[!&]?(\d{15,})>?$/.exec(text)?.[1];
  const choice = (option.choices || []).find((one) => one.name === text);
  if (choice) return choice.value;
  const wrong = () => { throw new Error(`${option.name} takes a ${KINDS_OF_OPTIONS[option.type]}, not "${text}"`); };
  switch (option.type) {
    case 4: return /^-?\d+$/.test(text) ? Number(text) : wrong();
    case 10: return text !== "" && !isNaN(text) ? Number(text) : wrong();
    case 5: return /^(true|yes|1)$/i.test(text) || (/^(false|no|0)$/i.test(text) ? false : wrong());
    case 6: return id || membersOf(guild).find((m) => m.user.username === plain || nameOf(m.user) === plain)?.user.id || wrong();
    case 7: return id || guild?.channels.find((c) => c.name === plain)?.id || wrong();
    case 8: return id || guild?.roles.find((r) => r.name === plain)?.id || wrong();
    case 9: return id || membersOf(guild).find((m) => nameOf(m.user) === plain)?.user.id || guild?.roles.find((r) => r.name === plain)?.id || wrong();
    default: return text;
  }
}
// What may come next: [text to show, description, the whole text when it is chosen].
async function completions(text, channel) {
  const commands = await loadCommands(channel), guild = guildOf(channel), found = parse(text, commands);
  const exact = found && text.length > found.command.name.length + 1;
  if (!exact) return commands.filter((c) => c.type === 1 && ("/" + c.name).startsWith(text)).slice(0, 25).map((c) => ["/" + c.name, c.description, "/" + c.name + (c.options.length ? " " : "")]);
  const { command, values, last } = found, option = command.options.find((one) => one.name === last), typed = last ? values[last] : "";
  const missing = command.options.filter((one) => !(one.name in values));
  const nexts = missing.map((one) => [one.name + ":", `${one.description}${one.required ? " (required)" : ""} · ${KINDS_OF_OPTIONS[one.type]}`, text.trimEnd() + ` ${one.name}: `]);
  if (!option) return found.rest.trim() ? [] : nexts;
  const head = text.slice(0, text.lastIndexOf(last + ":") + last.length + 1) + " ";
  const fits = (names) => names.filter((name) => name.toLowerCase().startsWith(typed.toLowerCase())).slice(0, 25).map((name) => [name, "", head + name + " "]);
  let values_ = [];
  if (option.choices?.length) values_ = fits(option.choices.map((choice) => choice.name));
  else if (option.autocomplete) {
    const others = {};
    for (const one of command.options) if (one.name in values && one !== option) try { others[one.name] = converted(one, values[one.name], guild); } catch { /* it is not complete yet */ }
    const said = await ask({ do: "autocomplete", name: command.name, option: last, text: typed, options: others, ...placeOf(channel) }, true).catch(() => null);
    values_ = (said?.choices || []).map((choice) => [choice.name, "", head + choice.value + " "]);
  } else if (option.type === 5) values_ = fits(["True", "False"]);
  else if (option.type === 6 || option.type === 9) values_ = fits(membersOf(guild).map((m) => nameOf(m.user)));
  else if (option.type === 7) values_ = fits((guild?.channels || []).map((c) => c.name));
  if ((option.type === 8 || option.type === 9) && guild) values_.push(...fits(guild.roles.filter((r) => r.id !== guild.id).map((r) => r.name)));
  return text.endsWith(" ") && typed ? [...values_.filter(([name]) => name !== typed), ...nexts] : values_;
}
function composer(channel) {
  const box = el("form", "composer"), area = el("textarea"), list = el("div", "choices"), attach = el("button", "attach", "+"), send = el("button", "send", "Send"), chooser = input("file", "file"), note = el("div", "note");
  const id = "c" + channel.id;
  let offered = [], picked = 0, asked = 0, files = [];
  Object.assign(area, { rows: 1, placeholder: channel.direct ? `Message ${channel.name}` : all || innerWidth < 600 ? `Message #${channel.name}` : `Message #${channel.name}, or / for commands`, id });
  for (const [key, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-autocomplete", "list"], ["aria-controls", id + "l"], ["aria-label", `Message to ${channel.direct ? "" : "#"}${channel.name} as ${memberName(actor)}`]]) area.setAttribute(key, value);
  list.id = id + "l"; list.setAttribute("role", "listbox"); list.setAttribute("aria-label", "Commands and options"); list.hidden = true;
  attach.type = "button"; attach.setAttribute("aria-label", "Attach a file"); send.type = "submit"; chooser.hidden = true; chooser.multiple = true;
  attach.onclick = () => chooser.click();
  chooser.onchange = () => { files = [...chooser.files]; box.refresh(); };
  box.append(note, list, el("div", "line", attach, area, send), chooser);
  box.refresh = () => {
    const reply = replies.get(channel.id);
    note.replaceChildren(...[reply && `Replying to ${nameOf(reply.author)}`, files.length && files.map((file) => file.name).join(", ")].filter(Boolean).join(" · "));
    if (reply || files.length) { const stop = el("button", "", "Cancel"); stop.type = "button"; stop.onclick = () => { replies.delete(channel.id); files = []; chooser.value = ""; box.refresh(); area.focus(); }; note.append(" ", stop); }
    if (reply) area.focus();
  };
  const grow = () => { area.style.height = "auto"; area.style.height = Math.min(area.scrollHeight, 200) + "px"; area.style.overflowY = area.scrollHeight > 200 ? "auto" : "hidden"; };
  const close = () => { offered = []; list.hidden = true; area.setAttribute("aria-expanded", "false"); area.removeAttribute("aria-activedescendant"); };
  const mark = () => {
    [...list.children].forEach((node, i) => node.setAttribute("aria-selected", i === picked));
    area.setAttribute("aria-activedescendant", `${id}o${picked}`);
    list.children[picked]?.scrollIntoView({ block: "nearest" });
  };
  const take = (i) => { area.value = offered[i][2]; grow(); area.focus(); complete(); };
  async function complete() {
    const mine = ++asked;
    if (!area.value.startsWith("/")) return close();
    const found = await completions(area.value, channel);
    if (mine !== asked) return;
    if (!found.length) return close();
    offered = found; picked = 0;
    list.replaceChildren(...found.map(([name, about], i) => {
      const node = el("div", "choice", el("b", "", name), about ? el("span", "", about) : null);
      node.id = `${id}o${i}`; node.setAttribute("role", "option");
      node.onmousedown = (event) => { event.preventDefault(); take(i); };
      return node;
    }));
    list.hidden = false; area.setAttribute("aria-expanded", "true");
    mark();
  }
  async function submit() {
    const text = area.value.trim(), commands = text.startsWith("/") ? await loadCommands(channel) : [], found = text.startsWith("/") ? parse(text, commands) : null;
    close();
    if (text.startsWith("/") && !found && commands.length) return toast(`The bot has no command ${text.split(" ")[0]}.`);
    if (found) {
      const guild = guildOf(channel), options = {};
      try {
        for (const [name, value] of Object.entries(found.values)) {
          const option = found.command.options.find((one) => one.name === name), file = files.find((one) => one.name === value) || files[0];
          if (option.type === 11 && !file) throw new Error(`${name} takes a file: choose it with + first`);
          options[name] = option.type === 11 ? await readFile(file) : converted(option, value, guild);
        }
      } catch (error) { return toast(error.message); }
      const missing = found.command.options.filter((one) => one.required && !(one.name in options));
      if (missing.length) return toast(`/${found.command.name} needs ${missing.map((one) => one.name).join(", ")}.`);
      area.value = ""; files = []; chooser.value = ""; box.refresh(); grow();
      const said = await ask({ do: "invoke", name: found.command.name, options, guild: guild?.id, ...placeOf(channel) });
      if (!said && !area.value) { area.value = text; grow(); }  // To be put right.
      return answered(said, "/" + found.command.name);
    }
    if (!text && !files.length) return;
    const reply = replies.get(channel.id), sent = files;
    // Cleared at once: what is typed before the answer is the next message.
    area.value = ""; files = []; chooser.value = ""; replies.delete(channel.id); box.refresh(); grow();
    const said = await ask({ do: "say", text, files: await Promise.all(sent.map(readFile)), reply_to: reply?.id, guild: guildOf(channel)?.id, ...placeOf(channel) });
    if (!said && !area.value) { area.value = text; files = sent; if (reply) replies.set(channel.id, reply); box.refresh(); grow(); }  // To be put right.
    if (!said) return;
    listOf(channel.id)?.messages.toEnd();
  }
  area.oninput = () => { grow(); complete(); };
  area.onblur = () => setTimeout(close, 100);
  area.onkeydown = (event) => {
    if (offered.length && ["ArrowDown", "ArrowUp"].includes(event.key)) { event.preventDefault(); picked = (picked + (event.key === "ArrowDown" ? 1 : offered.length - 1)) % offered.length; return mark(); }
    if (offered.length && event.key === "Escape") { event.preventDefault(); return close(); }
    if (offered.length && event.key === "Tab" && !event.shiftKey) { event.preventDefault(); return take(picked); }
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    // Enter takes what is picked while that still adds something, and sends what is complete.
    if (offered.length && offered[picked][2].trim() !== area.value.trim() && !(area.value.endsWith(" ") && complete_(area.value))) return take(picked);
    submit();
  };
  const complete_ = (text) => { const known = commandsNow.get(channel.direct ? "" : guildOf(channel)?.id ?? ""), found = known && parse(text, known); return found && found.command.options.every((one) => !one.required || one.name in found.values); };
  box.onsubmit = (event) => { event.preventDefault(); submit(); };
  return box;
}
