"use strict";
// ---- menus: of a message, of a member, of everything that can happen to the bot
const QUICK = ["👍", "❤️", "😂", "🎉", "👀"];
async function messageMenu(m, channel) {
  const mine = m.author.id === actor, apps = channel.direct ? [] : (await loadCommands(channel)).filter((command) => command.type === 3);
  const done = (what) => ask({ message: m.id, ...what });
  menu("Message", [
    ...QUICK.map((emoji) => [`React with ${emoji}`, () => toggleReaction(m, emoji)]),
    ["React with another emoji…", () => form("Add a reaction", [labelled("Emoji", input("text", "emoji", "", { required: true, maxLength: 60 }), "An emoji, or name:id of a server's own")], "React", (f) => tryAsk({ do: "react", message: m.id, emoji: f.emoji.value.trim() }))],
    ["Reply", () => setReply(channel, m)],
    [m.pinned ? "Unpin" : "Pin", () => done({ do: "pin", on: !m.pinned })],
    channel.type === 0 ? ["Start a thread…", () => threadForm(channel)] : null,
    mine ? ["Edit…", () => { const area = el("textarea"); area.name = "text"; area.value = m.content; form("Edit the message", [labelled("Text", area)], "Save", (f) => tryAsk({ do: "edit", message: m.id, text: f.text.value })); }] : null,
    ["Delete", () => done({ do: "delete" })],
    ...apps.map((command) => [`Apps › ${command.name}`, async () => answered(await ask({ do: "menu", name: command.name, target: m.id, channel: m.channel_id, message: true }), command.name)]),
  ]);
}
const toggleReaction = (m, emoji) => ask({ do: "react", message: m.id, emoji, on: !(m.mine || []).includes(emoji) }).then((said) => {
  if (said) m.mine = (m.mine || []).includes(emoji) ? m.mine.filter((one) => one !== emoji) : [...(m.mine || []), emoji];
});
function threadForm(channel) {
  form(`Start a thread in #${channel.name}`, [labelled("Name", input("text", "name", "", { required: true, maxLength: 100 }))], "Start", (f) => tryAsk({ do: "thread", channel: channel.id, name: f.name.value }));
}
async function memberMenu(member, guild) {
  const user = member.user, id = user.id, name = nameOf(user), act = (what) => ask({ guild: guild.id, ...what, user: id, by: actor });
  const apps = (await loadCommands(guild.channels[0] || {})).filter((command) => command.type === 2);
  const roles = (guild.roles || []).filter((role) => role.id !== guild.id && !role.managed), held = member.roles || [];
  const why = (title, button, what) => form(title, [labelled("Reason", input("text", "reason"), "May stay empty")], button, async (f) => (await act({ ...what, reason: f.reason.value || undefined })) ? "" : "It did not work.");
  menu(name, [
    user.bot ? null : ["Act as " + name, () => setActor(id)],
    user.bot ? null : [`Write to the bot as ${name}`, () => { setActor(id); location.hash = "channel=" + directId(id); }],
    ["Leave", () => act({ do: "leave" })],
    ["Kick…", () => why(`Kick ${name}`, "Kick", { do: "kick" })],
    ["Ban…", () => why(`Ban ${name}`, "Ban", { do: "ban" })],
    ["Time out for 5 minutes", () => act({ do: "timeout", seconds: 300 })],
    ["End the timeout", () => act({ do: "timeout", seconds: null })],
    ["Nickname…", () => form(`Nickname of ${name}`, [labelled("Nickname", input("text", "nick", member.nick || "", { maxLength: 32 }))], "Save", async (f) => (await act({ do: "rename", nick: f.nick.value })) ? "" : "It did not work.")],
    ...roles.map((role) => [`${held.includes(role.id) ? "Take" : "Give"} the role ${role.name}`, () => act({ do: "role", role: role.id, on: !held.includes(role.id) })]),
    ...apps.map((command) => [`Apps › ${command.name}`, async () => answered(await ask({ do: "menu", name: command.name, target: id, guild: guild.id }), command.name)]),
  ]);
}
function actorMenu() {
  const guild = guildOf(current) || guilds[0], members = membersOf(guild).filter((member) => !member.user.bot);
  menu("Act as", [...members.slice(0, 200).map((member) => [nameOf(member.user) + (member.user.id === actor ? " (now)" : ""), () => setActor(member.user.id)]), ["A new member…", joinForm]]);
}
function joinForm(invite) {
  const fields = [labelled("Name", input("text", "name", "", { required: true })), labelled("Age of the account in days", input("number", "days", "400", { min: 0, step: "any" })), labelled("How many", input("number", "count", "1", { min: 1, max: 200 }), "More than a few at once are a raid")];
  form("Members join", fields, "Join", (f) => tryAsk({ do: "join", invite: typeof invite === "string" ? invite : "", name: f.name.value, account_age_days: f.days.value || undefined, count: f.count.value }));
}
function eventsMenu() {
  const guild = guildOf(current) || guilds[0], banned = about.bans[guild?.id] || [];
  menu("Something happens", [
    ["A member joins…", joinForm],
    ["A raid: 20 new accounts join", () => ask({ do: "join", name: "raider", account_age_days: 0.1, count: 20 })],
    ["Members…", () => menu("Members", membersOf(guild).slice(0, 200).map((member) => [nameOf(member.user), () => memberMenu(member, guild)]))],
    banned.length ? ["Lift a ban…", () => menu("Lift the ban of", banned.map((user) => [nameOf(user), async () => { await ask({ do: "unban", user: user.id, by: actor }); refreshAbout(); }]))] : null,
    ["Invites…", invitesMenu],
    ["A new channel…", () => form("A new channel", [labelled("Name", input("text", "name", "", { required: true })), labelled("Kind", select("kind", [["text", "Text"], ["forum", "Forum"], ["announcement", "Announcements"]]))], "Add", (f) => tryAsk({ do: "channel", name: f.name.value, kind: f.kind.value }))],
    ["A new role…", () => form("A new role", [labelled("Name", input("text", "name", "", { required: true }))], "Add", (f) => tryAsk({ do: "add_role", name: f.name.value }))],
    ["The bot joins another server…", () => form("Another server", [labelled("Name", input("text", "name", "", { required: true }))], "Join", async (f) => { const wrong = await tryAsk({ do: "guild", name: f.name.value }); if (!wrong) load(); return wrong; })],
    current && isThread(current) ? ["Archive this thread", () => ask({ do: "set_thread", channel: current.id, archived: true })] : null,
    current && isThread(current) ? ["Lock this thread", () => ask({ do: "set_thread", channel: current.id, locked: true })] : null,
    ["Time passes…", () => form("Time passes", [labelled("Minutes", input("number", "minutes", "60", { min: 0, step: "any" }), "Limits and time-outs of this Discord end sooner; the bot's own clock goes on as before")], "Skip", (f) => tryAsk({ do: "skip", seconds: f.minutes.value * 60 }))],
  ]);
}
async function invitesMenu() {
  await refreshAbout();
  const guild = guildOf(current) || guilds[0], invites = about.invites[guild?.id] || [];
  const text = (invite) => `${invite.code} to #${invite.channel.name}, used ${invite.uses}${invite.max_uses ? " of " + invite.max_uses : ""} time${invite.uses === 1 && !invite.max_uses ? "" : "s"}`;
  const places = (guild?.channels || []).filter((channel) => channel.type === 0).map((channel) => [channel.name, "#" + channel.name]);
  menu("Invites", [
    ...invites.map((invite) => [text(invite), () => menu(`Invite ${invite.code}`, [
      ["A member joins by it…", () => joinForm(invite.code)],
      ["Revoke", () => ask({ do: "revoke", code: invite.code, guild: guild.id }).then((said) => said && toast("The invite is revoked.", false))],
    ])]),
    ["A new invite…", () => form("A new invite", [labelled("Channel", select("channel", places)), labelled("How often it can be used", input("number", "uses", "0", { min: 0, max: 100 }), "0 is without a limit")], "Make it", async (f) => {
      const wrong = await tryAsk({ do: "invite", channel: f.channel.value, guild: guild.id, max_uses: f.uses.value });
      if (!wrong) invitesMenu();
      return wrong;
    })],
  ]);
}
const FAULTS = [
  ["500", "Errors (500)"], ["reset", "The connection breaks"], ["no_answer", "No answer"], ["saved_reset", "Posted, but the answer is lost"], ["429", "Rate limited (429)"],
  ["429_no_via", "Blocked by Cloudflare"], ["slow", "Slow (3 s)"], ["502", "Bad gateway (502)"], ["403", "Forbidden (403)"], ["404", "Deleted (404)"], ["400", "Refused (400)"],
];
async function faultsMenu() {
  await refreshAbout();
  const hooks = about.webhooks.map((hook) => [hook.fault ? `${hook.title}: ${FAULTS.find(([kind]) => kind === hook.fault)?.[1] || hook.fault}` : `${hook.title}: works`, () => hook.fault ? ask({ do: "heal", webhook: hook.name }).then(() => toast(`${hook.title} works again.`, false)) : faultForm(hook)]);
  menu("Break something", [
    ...hooks,
    about.webhooks.length > 1 ? ["All webhooks…", () => faultForm(null)] : null,
    ["Gateway: drop the connection", () => ask({ do: "gateway", what: "drop" })],
    ["Gateway: drop it and the session", () => ask({ do: "gateway", what: "lose" })],
    ["Gateway: ask to reconnect", () => ask({ do: "gateway", what: "reconnect" })],
    about.acknowledges ? ["Gateway: heartbeats get no answer", () => ask({ do: "gateway", what: "no_ack" })] : ["Gateway: answer heartbeats again", () => ask({ do: "gateway", what: "ack" })],
  ]);
}
function faultForm(hook) {
  const more = about.faults.filter((kind) => !FAULTS.some(([known]) => known === kind)).map((kind) => [kind, kind]);
  const fields = [labelled("What goes wrong", select("kind", [...FAULTS, ...more])), labelled("For how many seconds", input("number", "seconds", "", { min: 1, step: "any", placeholder: "until it is mended" })), hook && labelled("Or for good", select("for_good", [["", "No"], ["yes", "Delete the webhook"]]))];
  form(hook ? `Break ${hook.title}` : "Break all webhooks", fields, "Break it", async (f) => {
    if (f.for_good?.value) return tryAsk({ do: "delete_webhook", webhook: hook.name });
    const kind = f.kind.value, delay = kind === "slow" ? 3 : kind.startsWith("429") ? 10 : 0;
    for (const one of hook ? [hook] : about.webhooks) {
      const wrong = await tryAsk({ do: "fault", webhook: one.name, kind, seconds: f.seconds.value || undefined, delay });
      if (wrong) return wrong;
    }
    toast(`${hook ? hook.title : "Every webhook"} is broken${f.seconds.value ? ` for ${f.seconds.value} s` : " until it is mended in this menu"}.`, false);
    return "";
  });
}

// ---- forms that the bot opens
function openForm(modal, interaction) {
  const readers = [], fields = [];
  const field = (item, label, hint) => {
    if (item.type === 4) {
      const node = item.style === 2 ? el("textarea") : input("text", item.custom_id);
      Object.assign(node, { name: item.custom_id, value: item.value || "", placeholder: item.placeholder || "", required: item.required !== false });
      if (item.max_length) node.maxLength = item.max_length;
      if (item.min_length) node.minLength = item.min_length;
      readers.push([item.custom_id, () => node.value]);
      fields.push(labelled(label || item.label || item.custom_id, node, hint));
    } else if (item.type === 23) {
      const node = input("checkbox", item.custom_id, "yes", { checked: !!item.default });
      readers.push([item.custom_id, () => node.checked]);
      fields.push(labelled(label || item.custom_id, node, hint));
    } else if (item.type === 19) {
      const node = input("file", item.custom_id, "", { multiple: (item.max_values ?? 1) > 1, required: item.required !== false });
      readers.push([item.custom_id, () => Promise.all([...node.files].map(readFile))]);
      fields.push(labelled(label || item.custom_id, node, hint));
    } else if (choicesOf(item)) {
      const many = (item.max_values ?? 1) > 1, least = item.required === false ? 0 : item.min_values ?? 1;
      const node = select(item.custom_id, [...(many ? [] : [["", item.placeholder || "Make a selection"]]), ...choicesOf(item)]);
      Object.assign(node, { multiple: many, required: least > 0 });
      if (many) node.selectedIndex = -1;  // A list of one choice has its first one chosen, and keeps it.
      for (const option of item.options || []) if (option.default) [...node.options].find((one) => one.value === option.value).selected = true;
      readers.push([item.custom_id, () => item.type === 21 ? node.value : [...node.selectedOptions].map((option) => option.value).filter(Boolean)]);
      fields.push(labelled(label || item.placeholder || item.custom_id, node, hint));
    }
  };
  for (const outer of modal.components || []) {
    if (outer.type === 18) field(outer.component, outer.label, outer.description);
    else if (outer.type === 10) fields.push(el("div", "text", markdown(outer.content)));
    else for (const item of outer.components || []) field(item);
  }
  form(modal.title, fields, "Submit", async () => {
    try {
      const values = Object.fromEntries(await Promise.all(readers.map(async ([id, value]) => [id, await value()])));
      const said = await ask({ do: "submit", interaction, values }, true);
      // What was typed stays, as in Discord.
      if (!said.acknowledged) return "Something went wrong. Try again.";
      answered(said, modal.title);
      return "";
    } catch (error) { return error.message; }
  });
}
function choicesOf(item) {
  const guild = guildOf(current) || guilds[0], roles = (guild?.roles || []).filter((role) => role.id !== guild.id).map((role) => [role.id, "@" + role.name]);
  const users = membersOf(guild).map((member) => [member.user.id, nameOf(member.user)]);
  if (item.options) return item.options.map((option) => [option.value, option.label]);
  return { 5: users, 6: roles, 7: [...users, ...roles], 8: (guild?.channels || []).map((channel) => [channel.id, "#" + channel.name]) }[item.type];
}
