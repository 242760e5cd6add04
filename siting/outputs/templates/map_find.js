"use strict";
/* Search and filter. Data reaches the page as text nodes only, never as HTML. */
function startFinding(map, data, kit) {
  const MOST = 40, NEAR = 15;
  const {node, words, fill} = kit;

  /* Filter: a facility is shown if its status is ticked and, in a plan with phases, its phase. */
  const phaseOf = (place) => place.phase === null ? "" : String(place.phase);
  const groups = [["status", words.filter_status, (place) => place.status,
    (code) => data.places[code] || code, Object.keys(data.places)]];
  if (data.phased) {
    groups.push(["phase", words.filter_phase, phaseOf,
      (year) => year || words.filter_no_phase, null]);
  }
  const off = new Set(), boxes = {};
  const shown = (place) => groups.every(([name, , of]) => !off.has(name + " " + of(place)));
  function apply() {
    for (const mark of kit.marks) {
      if (shown(mark.place)) mark.group.addLayer(mark.circle);
      else mark.group.removeLayer(mark.circle);
    }
    for (const mark of kit.marks) {
      if (map.hasLayer(mark.circle)) mark.circle.bringToFront();
    }
    document.getElementById("siting-filter-note").hidden = off.size === 0;
    map.fire("siting-filter");
  }
  function tick(key, on) {
    if (on) off.delete(key);
    else off.add(key);
    if (boxes[key]) boxes[key].checked = on;
  }
  function showFilter() {
    const panel = document.getElementById("siting-filter");
    panel.hidden = data.facilities.length === 0;
    for (const [name, heading, of, label, order] of groups) {
      const counts = new Map();
      for (const place of data.facilities) counts.set(of(place), (counts.get(of(place)) || 0) + 1);
      const codes = [...counts.keys()].sort();
      if (order) codes.sort((a, b) => order.indexOf(a) - order.indexOf(b));
      const part = node("fieldset");
      part.append(node("legend", heading));
      for (const code of codes) {
        const key = name + " " + code, row = node("label"), tickbox = node("input");
        tickbox.type = "checkbox";
        tickbox.checked = true;
        tickbox.dataset.key = key;
        tickbox.addEventListener("change", () => { tick(key, tickbox.checked); apply(); });
        boxes[key] = tickbox;
        row.append(tickbox, node("span", label(code)), node("b", kit.number(counts.get(code))));
        part.append(row);
      }
      panel.append(part);
    }
  }

  /* Search: facilities by name, id, street and unit; streets and units by name. */
  const plain = (text) => String(text || "").normalize("NFKC").toLowerCase();
  const field = document.getElementById("siting-search");
  const found = document.getElementById("siting-found");
  const spots = L.featureGroup().addTo(map);
  function bring(geometry, at) {
    spots.clearLayers();
    if (!geometry) return map.setView(at, Math.max(map.getZoom(), NEAR), {animate: false});
    const drawn = L.geoJSON(geometry, {style: {renderer: kit.canvas, pane: "siting-lines",
      color: "#c8102e", weight: 3, fill: false, interactive: false}});
    spots.addLayer(drawn);
    return map.fitBounds(drawn.getBounds(), {padding: [24, 24], animate: false});
  }
  function goFacility(mark) {
    for (const [name, , of] of groups) tick(name + " " + of(mark.place), true);
    apply();
    if (!map.hasLayer(mark.group)) map.addLayer(mark.group);
    bring(null, mark.place.at);
    mark.circle.openPopup();
  }
  function goArea(geometry, at, name, rows) {
    bring(geometry, at);
    L.popup().setLatLng(at).setContent(kit.popup(name, rows)).openOn(map);
  }
  const things = [];
  for (const street of data.streets) {
    things.push({name: street.id, kind: words.popup_street, keys: [plain(street.id)],
      go: () => goArea(street.geometry, street.label, words.popup_street + " " + street.id,
        street.rows)});
  }
  for (const unit of data.units) {
    if (!unit.label) continue;
    things.push({name: unit.id, kind: words.popup_unit, keys: [plain(unit.id)],
      go: () => goArea(unit.geometry, unit.label, kit.unitName(unit.id), kit.unitRows(unit))});
  }
  for (const mark of kit.marks) {
    const place = mark.place;
    const where = place.street || (place.unit === data.no_unit ? "" : place.unit);
    things.push({name: place.name, kind: [place.status_word, where].filter(Boolean).join(" · "),
      keys: [place.name, place.id, place.street, place.unit].map(plain), go: () => goFacility(mark)});
  }
  function choose(thing) {
    found.replaceChildren();
    kit.closePanel();
    thing.go();
    map.getContainer().focus({preventScroll: true});  // Escape closes the popup, arrows move on
  }
  function search() {
    const asked = plain(field.value).trim();
    found.replaceChildren();
    if (!asked) return spots.clearLayers();
    const hits = things.filter((thing) => thing.keys.some((key) => key.includes(asked)));
    for (const thing of hits.slice(0, MOST)) {
      const row = node("button");
      row.type = "button";
      row.append(node("span", thing.name), node("small", thing.kind));
      row.addEventListener("click", () => choose(thing));
      found.append(row);
    }
    if (!hits.length) found.append(node("p", words.search_nothing));
    if (hits.length > MOST) found.append(node("p", fill(words.search_more, {n: hits.length - MOST})));
  }
  field.addEventListener("input", search);
  field.addEventListener("focus", search);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && found.querySelector("button")) found.querySelector("button").click();
    if (event.key === "Escape") { field.value = ""; search(); }
  });
  showFilter();
}
