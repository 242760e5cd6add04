"use strict";
/* A click on the map tells the demand point, the planning unit and the excluded areas there. */
function startLookup(map, data, kit) {
  const {node, words, number, list, popup} = kit;
  const grid = data.grid;

  /* The index picture tells which demand point a pixel belongs to. */
  let index = null;
  const ready = () => map.getContainer().classList.add("siting-ready");
  function readIndex() {
    const image = new Image();
    image.onload = () => {
      const board = document.createElement("canvas");
      board.width = grid.width;
      board.height = grid.height;
      const context = board.getContext("2d", {willReadFrequently: true});
      context.drawImage(image, 0, 0);
      index = context.getImageData(0, 0, grid.width, grid.height).data;
      ready();
    };
    image.src = grid.index;
  }
  function demandAt(latlng) {
    if (!index) return -1;
    const at = L.CRS.EPSG3857.project(latlng);
    const column = Math.floor((at.x - grid.left) / grid.pixel);
    const row = Math.floor((grid.top - at.y) / grid.pixel);
    if (column < 0 || row < 0 || column >= grid.width || row >= grid.height) return -1;
    const start = 4 * (row * grid.width + column);
    const found = index[start] * 65536 + index[start + 1] * 256 + index[start + 2] - 1;
    return found < data.demand.id.length ? found : -1;  // some browsers blur what they read
  }

  function inRing(ring, x, y) {
    let inside = false;
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const [ax, ay] = ring[i], [bx, by] = ring[j];
      if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) inside = !inside;
    }
    return inside;
  }
  function holds(geometry, latlng) {
    if (!geometry) return false;
    const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    return parts.some((rings) => rings.filter(
      (ring) => inRing(ring, latlng.lng, latlng.lat)).length % 2 === 1);
  }

  function demandRows(i) {
    const d = data.demand, facility = data.facilities.find((place) => place.id === d.nearest[i]);
    const after = data.themes.after.entries[d.after[i]];
    return [[words.popup_elders, number(d.elders[i], 1)],
      [words.popup_density, number(d.density[i], 1)],
      [words.popup_class, data.themes.class.entries[d.class[i]].label],
      [words.popup_before, data.themes.before.entries[d.before[i]].label],
      [words.popup_after, after.label, after.bad],
      [words.popup_nearest, facility ? facility.name : d.nearest[i]],
      [words.popup_network, number(d.network[i], 1)], [words.popup_straight, number(d.straight[i], 1)],
      [words.popup_standard, d.standard[i] === null ? null : number(d.standard[i])],
      [words.popup_zone, d.zone[i] === null ? null : data.zone_names[d.zone[i]]],
      [words.popup_blocked, d.blocked[i]], [words.popup_note, d.note[i]]];
  }
  map.on("click", (event) => {
    if (kit.mode === "measure") return;
    const i = demandAt(event.latlng), at = event.latlng;
    const made = i < 0 ? popup(words.popup_nothing, [])
      : popup(words.popup_point + " " + data.demand.id[i], demandRows(i));
    const unit = data.units.find((one) => i < 0 ? holds(one.geometry, at)
      : one.id === data.demand.unit[i]);
    if (unit) made.append(node("h5", kit.unitName(unit.id)), list(kit.unitRows(unit)));
    const closed = data.exclusions.filter((one) => holds(one.geometry, at)).map((one) => one.name);
    if (closed.length) made.append(list([[words.popup_excluded, closed.join("\n")]]));
    L.popup().setLatLng(at).setContent(made).openOn(map);
  });

  if (grid) readIndex();
  else ready();
}
