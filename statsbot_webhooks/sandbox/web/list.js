"use strict";
// ---- a list of messages that only has rows for what is in sight: thousands of messages scroll at once
const GUESS = 60, BEYOND = 600;
class MessageList {
  constructor(channel) {
    this.channel = channel; this.heights = new Map(); this.rows = new Map(); this.from = this.to = -1; this.total = this.measured = 0;
    this.ol = el("ol"); this.above = el("li", "space"); this.below = el("li", "space");
    this.welcome = welcome(channel); this.ol.append(this.welcome);
    for (const space of [this.above, this.below]) space.setAttribute("aria-hidden", "true");
    this.ol.append(this.above, this.below);
    this.node = el("div", "list", this.ol);
    this.node.dataset.channel = channel.id; this.node.stuck = true; this.node.tabIndex = 0;
    this.node.setAttribute("role", "log"); this.node.setAttribute("aria-label", `Messages in ${channel.name}`);
    this.node.messages = this;
    this.jump = el("button", "jump", "New messages · Jump to present"); this.jump.hidden = true;
    this.jump.onclick = () => this.toEnd();
    this.node.onscroll = () => this.scrolled();
    // Previews and pictures arrive later and change the height.
    this.watch = new ResizeObserver(() => this.resized());
    this.watch.observe(this.node);
  }
  get data() { return of(this.channel.id); }
  height(m) { return this.heights.get(m.id) ?? this.guess; }
  get guess() { return this.measured ? this.total / this.measured : GUESS; }
  measure(m) {
    const height = this.rows.get(m.id).getBoundingClientRect().height, before = this.heights.get(m.id);
    if (before === height) return;
    this.total += height - (before ?? 0); this.measured += before === undefined;
    this.heights.set(m.id, height);
  }
  atEnd() { return this.node.scrollHeight - this.node.scrollTop - this.node.clientHeight < 40; }
  toEnd() {
    this.node.stuck = true; this.jump.hidden = true;
    // The rows at the end are measured once they are drawn, and move the end.
    for (let i = 0; i < 3; i++) { this.draw(); this.node.scrollTop = this.node.scrollHeight; }
  }
  scrolled() {
    this.node.stuck = this.atEnd();
    if (this.node.stuck) this.jump.hidden = true;
    this.draw();
  }
  resized() { if (this.node.stuck) this.toEnd(); else this.draw(); }
  changed(isNew = false) {
    if (this.node.stuck) this.toEnd();
    else { this.draw(true); if (isNew) this.jump.hidden = false; }
  }
  redraw(m) { this.rows.get(m.id)?.remove(); this.rows.delete(m.id); this.changed(); }
  clear() { for (const row of this.rows.values()) row.remove(); this.rows.clear(); this.from = this.to = -1; this.changed(); }
  // Which messages are in sight, or nearly; at the end it counts from below, since heights above are partly guessed.
  range() {
    const mine = this.data, top = this.node.scrollTop - this.welcome.offsetHeight - BEYOND, bottom = this.node.scrollTop + this.node.clientHeight + BEYOND;
    if (this.node.stuck) {
      let from = mine.length, height = 0;
      while (from > 0 && height < this.node.clientHeight + BEYOND) height += this.height(mine[--from]);
      return [from, mine.length];
    }
    let from = 0, at = 0;
    while (from < mine.length && at + this.height(mine[from]) < top) at += this.height(mine[from++]);
    let to = from;
    while (to < mine.length && at < bottom) at += this.height(mine[to++]);
    return [from, to];
  }
  draw(always = false) {
    if (!this.node.clientHeight) return;
    const mine = this.data, [from, to] = this.range(), list = this.node;
    if (!always && from === this.from && to === this.to && this.count === mine.length && !list.stuck) return;
    const anchor = list.stuck ? null : this.anchor();
    this.from = from; this.to = to; this.count = mine.length;
    const wanted = new Set();
    let after = this.above;
    for (let i = from; i < to; i++) {
      wanted.add(mine[i].id);
      let row = this.rows.get(mine[i].id);
      if (!row) { row = showMessage(mine, i); row.setAttribute("aria-setsize", mine.length); row.setAttribute("aria-posinset", i + 1); this.rows.set(mine[i].id, row); this.watch.observe(row); }
      if (after.nextSibling !== row) after.after(row);
      after = row;
    }
    for (const [id, row] of this.rows) if (!wanted.has(id) && !row.contains(document.activeElement)) { this.watch.unobserve(row); row.remove(); this.rows.delete(id); }
    for (let i = from; i < to; i++) this.measure(mine[i]);
    this.above.style.height = mine.slice(0, from).reduce((sum, m) => sum + this.height(m), 0) + "px";
    this.below.style.height = mine.slice(to).reduce((sum, m) => sum + this.height(m), 0) + "px";
    if (anchor) {
      const moved = (this.rows.get(anchor.id)?.getBoundingClientRect().top ?? anchor.top) - anchor.top;
      if (Math.abs(moved) > 1) list.scrollTop += moved;
    }
  }
  // The first row in sight, which stays where it is while heights above it become known.
  anchor() {
    const top = this.node.getBoundingClientRect().top;
    let found = null;
    // Rows are not kept in their order: those above may have been drawn last.
    for (const [id, row] of this.rows) { const box = row.getBoundingClientRect(); if (box.bottom > top && (!found || box.top < found.top)) found = { id, top: box.top }; }
    return found;
  }
}
function welcome(channel) {
  const name = channel.name, text = channel.direct ? `Direct messages with ${name}.` : isThread(channel) ? "This is the start of the thread." : `This is the start of the #${name} channel.`;
  return el("li", "welcome", el("i", "", icon(iconOf(channel), 40)), el("h2", "", channel.direct || isThread(channel) ? name : `Welcome to #${name}!`), el("p", "", text));
}
