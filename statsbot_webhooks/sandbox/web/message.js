"use strict";
// ---- messages
const nameOf = (author) => author.global_name || author.username || "?";
const isApp = (m) => !!(m.webhook_id || m.author.bot);
function avatar(m, size = 24) {
  const name = nameOf(m.author), node = el("div", "ava", isApp(m) ? icon("bot", size) : [...name][0].toUpperCase());
  node.setAttribute("aria-hidden", "true");  // The name stands beside it.
  node.style.background = COLORS[[...name].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 9973, 0) % COLORS.length];
  if (/^https?:/.test(m.author.avatar || "")) node.append(image(safeUrl(m.author.avatar)) || "");
  return node;
}
function showEmbed(embed, m) {
  const box = el("div", "embed"), text = (cls, value) => value ? box.append(el("div", cls, markdown(String(value), { everyone: m.mention_everyone, blocks: cls === "desc" }))) : null;
  if (Number.isInteger(embed.color)) box.style.borderLeftColor = "#" + (embed.color & 0xffffff).toString(16).padStart(6, "0");
  if (embed.author?.name) box.append(el("div", "author", image(safeUrl(embed.author.icon_url, m.attachments)), link(safeUrl(embed.author.url), "", embed.author.name)));
  if (embed.title) box.append(el("div", "title", embed.url ? link(safeUrl(embed.url), "", markdown(embed.title, { blocks: false })) : markdown(embed.title, { blocks: false })));
  text("desc", embed.description);
  const fields = embed.fields || [];
  if (fields.length) {
    const grid = el("div", "fields");
    for (let i = 0; i < fields.length;) {
      let row = 1;
      if (fields[i].inline) while (row < (all ? 2 : 3) && fields[i + row]?.inline) row++;
      for (const field of fields.slice(i, i += row)) {
        const cell = el("div", field.inline ? "field inline" : "field", el("div", "name", markdown(String(field.name), { blocks: false })), markdown(String(field.value)));
        cell.style.gridColumn = "span " + 12 / row;
        grid.append(cell);
      }
    }
    box.append(grid);
  }
  const thumb = image(safeUrl(embed.thumbnail?.url, m.attachments), "thumb"), pic = safeUrl(embed.image?.url, m.attachments);
  if (thumb) box.append(thumb);
  if (pic) box.append(link(pic, "wide", image(pic, "pic")));
  const foot = [embed.footer?.text, embed.timestamp && friendly(embed.timestamp)].filter(Boolean).join(" • ");
  if (foot) box.append(titled(el("div", "foot wide", image(safeUrl(embed.footer?.icon_url, m.attachments)), el("span", "", foot)), embed.timestamp ? TIME.F(new Date(embed.timestamp)) : ""));
  return box;
}
const sizeOf = (n) => n < 1024 ? `${n} bytes` : n < 1048576 ? `${(n / 1024).toFixed(2)} KB` : `${(n / 1048576).toFixed(2)} MB`;
function showFile(file) {
  const url = safeUrl(file.url), type = file.content_type || "";
  if (/^image\//.test(type) && url) return link(url, "photo", image(url));
  const box = el("div", "file"), button = el("button", "", "Expand");
  box.append(el("div", "info", icon("file", 24), el("div", "", link(url, "", file.filename), el("small", "", sizeOf(file.size))), button));
  button.hidden = true;
  if (url && (/^text\/|json|xml|yaml/.test(type) || /\.(txt|log|json|md|py|csv|ya?ml|toml|ini|diff)$/i.test(file.filename))) {
    if (!texts.has(url)) texts.set(url, fetch(url).then((answer) => answer.ok ? answer.text() : Promise.reject(answer.status)));
    texts.get(url).then((text) => {
      const lines = text.replace(/\n$/, "").split("\n"), first = lines.slice(0, 6).join("\n").slice(0, 1200), pre = el("pre", "", first);
      box.prepend(pre);
      button.hidden = first.length >= text.trimEnd().length;
      button.onclick = () => { const open = box.classList.toggle("open"); pre.textContent = open ? text : first; button.textContent = open ? "Collapse" : `Expand (${lines.length} lines)`; };
      button.textContent = `Expand (${lines.length} lines)`;
    }, () => texts.delete(url));
  }
  return box;
}
const STYLES_OF_BUTTONS = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary" };
const press = (m, component, values) => ask({ do: "click", message: m.id, channel: m.channel_id, custom_id: component.custom_id, values }).then((said) => answered(said, component.label || "the menu"));
function showComponent(component, m) {
  const inner = () => (component.components || []).map((one) => showComponent(one, m)), owner = !m.webhook_id || m.application_id;
  switch (component.type) {
    case 1: return el("div", "row", inner());
    case 2: return showButton(component, m, owner);
    case 9: return el("div", "section", el("div", "", inner()), component.accessory ? showComponent(component.accessory, m) : null);
    case 10: return el("div", "text", markdown(component.content || ""));
    case 11: return image(safeUrl(component.media?.url, m.attachments), "thumb") || el("span");
    case 12: return el("div", "gallery", (component.items || []).map((item) => image(safeUrl(item.media?.url, m.attachments), "pic")));
    case 14: return el("hr");
    case 17: return el("div", "container", inner());
  }
  const choices = choicesOf(component);
  return choices ? showMenu(component, choices, m, owner) : el("span");
}
function showButton(component, m, owner) {
  const node = el(component.url ? "span" : "button", "press " + (STYLES_OF_BUTTONS[component.style] || "secondary"), component.emoji?.id ? "" : component.emoji?.name, component.label);
  if (component.disabled) node.classList.add("off");
  if (component.url) return link(safeUrl(component.url), "", node);
  node.type = "button";
  node.disabled = !!component.disabled || !canAct() || !owner;
  if (!component.label) node.setAttribute("aria-label", component.emoji?.name || "Button");
  node.onclick = () => { node.disabled = true; press(m, component).finally(() => { node.disabled = !!component.disabled; }); };
  return node;
}
function showMenu(component, choices, m, owner) {
  const hint = component.placeholder || "Make a selection", most = component.max_values ?? 1;
  if (most > 1) {
    const node = el("button", "choose", hint);
    node.type = "button"; node.disabled = !!component.disabled || !canAct() || !owner;
    node.onclick = () => form(hint, choices.map(([value, text]) => labelled(text, input("checkbox", "v", value))), "Choose", async (f) => { press(m, component, [...f.querySelectorAll("input:checked")].map((box) => box.value)); return ""; });
    return node;
  }
  const node = select("", [["", hint], ...choices], component.options?.find((option) => option.default)?.value ?? "");
  node.className = "choose"; node.setAttribute("aria-label", hint); node.disabled = !!component.disabled || !canAct() || !owner;
  node.onchange = () => { if (node.value) press(m, component, [node.value]); };
  return node;
}
function showReactions(m) {
  if (!m.reactions?.length) return null;
  return el("div", "reactions", m.reactions.map((reaction) => {
    const key = reaction.emoji.id ? `${reaction.emoji.name}:${reaction.emoji.id}` : reaction.emoji.name, node = el("button", "reaction", reaction.emoji.id ? `:${reaction.emoji.name}:` : reaction.emoji.name, el("b", "", String(reaction.count)));
    node.type = "button"; node.setAttribute("aria-label", `${key}, ${reaction.count} reaction${reaction.count === 1 ? "" : "s"}`);
    node.onclick = () => toggleReaction(m, key);
    return node;
  }));
}
// A picture that an embed shows is not shown a second time.
const inEmbed = (m, file) => (m.embeds || []).some((embed) => [embed.image?.url, embed.thumbnail?.url].some((url) => url && (url === file.url || url === "attachment://" + file.filename)));
function showMessage(list, i) {
  const m = list[i], before = list[i - 1], newDay = !before || dayOf(before.timestamp) !== dayOf(m.timestamp), date = new Date(m.timestamp);
  const same = !newDay && !m.interaction && !m.referenced_message && !m.private_to && !before.private_to && before.author.id === m.author.id && nameOf(before.author) === nameOf(m.author) && before.author.avatar === m.author.avatar && date - new Date(before.timestamp) < 420000;
  const row = el("div", "msg" + (same ? " same" : "") + (m.mention_everyone ? " ping" : ""));
  const silent = m.flags & 4096 ? el("span", "silent", icon("bell", 14)) : null, when = el("time", "", same || (all && dayOf(date) === dayOf(Date.now())) ? TIME.t(date) : friendly(date));
  if (silent) silent.title = "Sent without a notification";
  when.dateTime = m.timestamp; when.title = TIME.F(date);
  if (m.interaction && !same) row.append(el("div", "used", icon("slash", 14), el("b", "", nameOf(m.interaction.user)), m.interaction.type === 3 ? " pressed " : m.interaction.type === 5 ? " filled in " : " used ", el("span", "pill", ([3, 5].includes(m.interaction.type) || m.interaction_metadata?.command_type > 1 ? "" : "/") + m.interaction.name)));
  if (m.referenced_message) row.append(el("div", "used reply", "↱ ", el("b", "", nameOf(m.referenced_message.author)), el("span", "", (m.referenced_message.content || "").slice(0, 200))));
  if (same) row.append(when); else row.append(avatar(m), el("div", "line", el("span", "who", nameOf(m.author)), isApp(m) ? el("span", "tag", "APP") : null, when, silent));
  const mark = m.edited_timestamp ? titled(el("span", "edited", "(edited)"), TIME.F(new Date(m.edited_timestamp))) : null;
  if (m.content) row.append(el("div", "text", markdown(m.content, { everyone: m.mention_everyone }), mark, same ? silent : null));
  row.append(...(m.embeds || []).map((embed) => showEmbed(embed, m)), ...(m.attachments || []).filter((file) => !inEmbed(m, file)).map(showFile), ...(m.components || []).map((component) => showComponent(component, m)), showReactions(m) || "");
  if (mark && !m.content) row.append(mark);
  if (m.pinned) row.append(el("div", "sub", "📌 Pinned"));
  if (m.thread) { const to = el("a", "sub", `Thread: ${m.thread.name}`); to.href = "#channel=" + m.thread.id; row.append(to); }
  if (m.private_to) { const gone = el("button", "link", "Dismiss message"); gone.type = "button"; gone.onclick = () => dismiss(m); row.classList.add("private"); row.append(el("div", "sub", "Only you can see this · ", gone)); }
  else if (canAct()) { const more = el("button", "more", "⋯"); more.type = "button"; more.setAttribute("aria-label", `More for this message by ${nameOf(m.author)}`); more.onclick = () => messageMenu(m, channelOf(m.channel_id)); row.append(more); }
  const item = el("li", "", newDay ? el("div", "day", TIME.D(date)) : null, row);
  item.dataset.message = m.id;
  return item;
}
