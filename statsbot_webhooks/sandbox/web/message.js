"use strict";
// ---- messages
const nameOf = (author) => author.global_name || author.username || "?";
const isApp = (m) => !!(m.webhook_id || m.author.bot);
function avatar(m, size = 24) {
  const name = nameOf(m.author), node = el("div", "ava", isApp(m) ? icon("bot", size) : [...name][0].toUpperCase());
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
function showComponent(component) {
  if (component.type === 1) return el("div", "row", (component.components || []).map(showComponent));
  if (component.type === 2) {
    const node = el("span", "press " + (STYLES_OF_BUTTONS[component.style] || "secondary"), component.emoji?.id ? "" : component.emoji?.name, component.label);
    if (component.disabled) node.classList.add("off");
    return component.url ? link(safeUrl(component.url), "", node) : node;
  }
  if ([3, 5, 6, 7, 8].includes(component.type)) return el("span", "choose", component.options?.find((option) => option.default)?.label || component.placeholder || "Make a selection");
  return el("span");
}
// A picture that an embed shows is not shown a second time.
const inEmbed = (m, file) => (m.embeds || []).some((embed) => [embed.image?.url, embed.thumbnail?.url].some((url) => url && (url === file.url || url === "attachment://" + file.filename)));
function showMessage(list, i) {
  const m = list[i], before = list[i - 1], newDay = !before || dayOf(before.timestamp) !== dayOf(m.timestamp), date = new Date(m.timestamp);
  const same = !newDay && before.author.id === m.author.id && nameOf(before.author) === nameOf(m.author) && before.author.avatar === m.author.avatar && date - new Date(before.timestamp) < 420000;
  const row = el("div", "msg" + (same ? " same" : "") + (m.mention_everyone ? " ping" : ""));
  const silent = m.flags & 4096 ? el("span", "silent", icon("bell", 14)) : null, when = el("time", "", same || (all && dayOf(date) === dayOf(Date.now())) ? TIME.t(date) : friendly(date));
  if (silent) silent.title = "Sent without a notification";
  when.dateTime = m.timestamp; when.title = TIME.F(date);
  if (m.interaction && !same) row.append(el("div", "used", icon("slash", 14), el("b", "", nameOf(m.interaction.user)), " used ", el("span", "pill", "/" + m.interaction.name)));
  if (same) row.append(when); else row.append(avatar(m), el("div", "line", el("span", "who", nameOf(m.author)), isApp(m) ? el("span", "tag", "APP") : null, when, silent));
  const mark = m.edited_timestamp ? titled(el("span", "edited", "(edited)"), TIME.F(new Date(m.edited_timestamp))) : null;
  if (m.content) row.append(el("div", "text", markdown(m.content, { everyone: m.mention_everyone }), mark, same ? silent : null));
  row.append(...(m.embeds || []).map((embed) => showEmbed(embed, m)), ...(m.attachments || []).filter((file) => !inEmbed(m, file)).map(showFile), ...(m.components || []).map(showComponent));
  if (mark && !m.content) row.append(mark);
  const item = el("li", "", newDay ? el("div", "day", TIME.D(date)) : null, row);
  item.dataset.message = m.id;
  return item;
}
