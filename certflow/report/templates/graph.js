"use strict";
// The graph of statements. What is chosen and shown stands in the address (#graph=L5&show=S,holds) and nowhere else:
// whatever a reader does changes the address, and the page follows it, on loading and on the way back too.
(() => {
  const section = document.getElementById("graph");
  if (!section) return; // a report without claims has none
  const nodes = JSON.parse(document.getElementById("graph-data").textContent);
  const frame = section.querySelector(".graph-frame");
  const svg = frame.querySelector("svg");
  const panel = document.getElementById("graph-panel");
  const inOrder = [...svg.querySelectorAll(".node")];
  const drawn = [];
  for (const element of inOrder) drawn[Number(element.dataset.node)] = element;
  const edges = [...svg.querySelectorAll(".edge")].map((path) => [path, ...path.dataset.edge.split(" ").map(Number)]);
  const rests = nodes.map((node) => node.rests);
  const bears = nodes.map((_, i) => [...nodes.keys()].filter((j) => rests[j].includes(i)));
  const keys = [];
  let chosen = -1;
  let shown = new Set();

  // What can be reached from a node, the nearest first.
  const reach = (start, next) => {
    const found = [start];
    for (const here of found) for (const i of next[here]) if (!found.includes(i)) found.push(i);
    return found.slice(1);
  };

  const address = (i, show = shown) =>
    "#graph=" + (i < 0 ? "" : encodeURIComponent(nodes[i].id)) + (show.size ? "&show=" + [...show].join(",") : "");

  const go = (i, show = shown) => { location.hash = address(i, show); };

  const read = () => {
    const match = /^#graph(?:=([^&]*))?(?:&show=(.*))?$/.exec(location.hash);
    if (!match) return location.hash.length > 1 ? null : { chosen: -1, shown: new Set() };
    let id = match[1] || "";
    try { id = decodeURIComponent(id); } catch { /* not written by this page: no statement has that id */ }
    const known = keys.map((key) => key.dataset.show);
    const asked = (match[2] || "").split(",");
    return { chosen: nodes.findIndex((node) => node.id === id), shown: new Set(known.filter((k) => asked.includes(k))) };
  };

  const make = (tag, content = "", properties = {}) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...[content].flat());
    return element;
  };
  const link = (i) => make("a", nodes[i].id, { href: address(i), title: nodes[i].title });
  const links = (found) => found.flatMap((i, place) => (place ? [", ", link(i)] : [link(i)]));
  const line = (label, found) =>
    make("p", [make("span", label, { className: "label" }), " ", ...(found.length ? links(found) : ["nothing"])]);

  const doubt = ([on, ...path]) =>
    make("li", [link(on), ` (${nodes[on].mark})`, ...(path.length ? [", by way of ", ...links(path)] : [])]);
  const doubts = (words, found) => (found.length ? [make("p", words), make("ul", found.map(doubt))] : []);

  const fill = (i, up, down) => {
    const node = nodes[i];
    const head = make("div", [
      make("h3", `${node.id} ${node.title}`.trim()),
      make("p", [
        `${node.words}. `,
        node.kinds.length ? `Collected: ${node.kinds.join(", ")}. ` : "",
        node.formal ? `Formal, ${node.formal}. ` : "",
        node.href ? make("a", "Statement, evidence and proof", { href: node.href }) : "",
      ]),
    ]);
    head.setAttribute("aria-live", "polite");
    const close = make("button", "×", { type: "button", className: "close", onclick: leave });
    close.setAttribute("aria-label", "Close");
    const parts = [
      close, head,
      ...doubts("▲ Rests on claims that are violated or open:", node.open),
      ...doubts("▽ Rests on claims whose evidence is weaker than its own:", node.weaker),
    ];
    const side = (label, direct, all) => make("div", [
      line(label, direct),
      ...(all.length > direct.length ? [line("through these", all.filter((j) => !direct.includes(j)))] : []),
    ]);
    parts.push(make("div", [side("Rests on", rests[i], up), side("What rests on it", bears[i], down)], { className: "sides" }));
    panel.replaceChildren(...parts);
    panel.scrollTop = 0;
  };

  const groups = new Map();
  const fits = (node) => [...groups.values()].every((tokens) => {
    const asked = tokens.filter((token) => shown.has(token));
    return !asked.length || asked.some((token) => node.show.includes(token));
  });

  const apply = (state) => {
    const inPanel = panel.contains(document.activeElement);
    const changed = state.chosen !== chosen;
    ({ chosen, shown } = state);
    const up = chosen < 0 ? [] : reach(chosen, rests);
    const down = chosen < 0 ? [] : reach(chosen, bears);
    const away = nodes.map((node, i) => i !== chosen && !fits(node));
    svg.classList.toggle("choosing", chosen >= 0);
    drawn.forEach((element, i) => {
      element.classList.toggle("on", i === chosen);
      element.classList.toggle("up", up.includes(i));
      element.classList.toggle("down", down.includes(i));
      element.classList.toggle("away", away[i]);
      element.setAttribute("aria-pressed", String(i === chosen));
    });
    const above = new Set([chosen, ...up]);
    const below = new Set([chosen, ...down]);
    for (const [path, from, to] of edges) {
      const lit = (above.has(from) && above.has(to)) || (below.has(from) && below.has(to));
      path.classList.toggle("lit", lit);
      if (lit) path.parentNode.append(path); // above those with which it shares a part of its way
      path.classList.toggle("away", away[from] || away[to]);
    }
    for (const key of keys) key.setAttribute("aria-pressed", String(shown.has(key.dataset.show)));
    const count = away.filter((gone) => !gone).length;
    section.querySelector(".graph-shown").textContent = shown.size ? `Shown: ${count} of ${nodes.length}.` : "";
    panel.hidden = chosen < 0;
    if (chosen >= 0) fill(chosen, up, down);
    const home = chosen >= 0 ? drawn[chosen] : inOrder.find((element) => element.tabIndex === 0);
    tab(home && !away[Number(home.dataset.node)] ? home : inOrder.find((element) => !away[Number(element.dataset.node)]));
    if (inPanel && home) home.focus({ preventScroll: true });
    if (changed && chosen >= 0) reveal(drawn[chosen]);
  };

  // One node is in the order of the Tab key: the one that was there last.
  const tab = (element) => inOrder.forEach((other) => { other.tabIndex = other === element ? 0 : -1; });

  // A node is seen whole: within its frame, and above the panel that covers the lower edge of the window.
  const reveal = (element) => {
    const box = element.getBoundingClientRect();
    const room = frame.getBoundingClientRect();
    if (box.left < room.left || box.right > room.right) frame.scrollLeft += (box.left + box.right - room.left - room.right) / 2;
    const low = panel.hidden ? innerHeight : Math.min(innerHeight, panel.getBoundingClientRect().top);
    if (box.top < 12) scrollBy(0, box.top - 12);
    else if (box.bottom > low - 12) scrollBy(0, Math.min(box.bottom - low + 12, box.top - 12));
  };

  const move = (element) => {
    if (!element) return;
    tab(element);
    element.focus({ preventScroll: true });
    reveal(element);
  };
  const middle = (element) => { const box = element.getBoundingClientRect(); return (box.left + box.right) / 2; };
  const nearest = (element, found) => found.map((i) => drawn[i]).filter((other) => !other.classList.contains("away"))
    .sort((a, b) => Math.abs(middle(a) - middle(element)) - Math.abs(middle(b) - middle(element)))[0];

  function leave() {
    const element = drawn[chosen];
    go(-1);
    if (element) element.focus({ preventScroll: true });
  }

  svg.addEventListener("click", (event) => {
    const element = event.target.closest(".node");
    if (!element || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    move(element);
    go(Number(element.dataset.node));
  });
  svg.addEventListener("keydown", (event) => {
    const element = event.target.closest(".node");
    if (!element || event.ctrlKey || event.metaKey || event.altKey) return;
    const i = Number(element.dataset.node);
    const row = inOrder.filter((other) => !other.classList.contains("away"));
    const place = row.indexOf(element);
    const steps = {
      ArrowUp: () => move(nearest(element, rests[i])),
      ArrowDown: () => move(nearest(element, bears[i])),
      ArrowLeft: () => move(row[place - 1]),
      ArrowRight: () => move(row[place + 1]),
      Home: () => move(row[0]),
      End: () => move(row[row.length - 1]),
      Enter: () => go(i),
      " ": () => go(i),
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    steps[event.key]();
  });
  section.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && chosen >= 0) leave();
  });

  for (const group of section.querySelectorAll(".graph-keys > div")) {
    const tokens = [];
    for (const span of group.querySelectorAll(".key")) {
      const key = make("button", [...span.childNodes], { type: "button", className: "key" });
      key.dataset.show = span.dataset.show;
      key.onclick = () => {
        const show = new Set(shown);
        if (!show.delete(key.dataset.show)) show.add(key.dataset.show);
        go(chosen, show);
      };
      span.replaceWith(key);
      keys.push(key);
      tokens.push(key.dataset.show);
    }
    groups.set(group, tokens);
  }
  for (const element of inOrder) {
    element.setAttribute("role", "button");
    element.setAttribute("aria-controls", "graph-panel");
  }
  section.querySelector(".graph-help").hidden = false;
  for (const to of document.querySelectorAll(".graph-link")) to.hidden = false;
  addEventListener("hashchange", () => { const state = read(); if (state) apply(state); });

  const first = read();
  if (inOrder.length && !first?.shown.size) frame.scrollLeft = inOrder[0].getBoundingClientRect().left - frame.getBoundingClientRect().left - 16;
  if (first && location.hash.startsWith("#graph=")) section.scrollIntoView();
  apply(first || { chosen: -1, shown: new Set() });
})();
