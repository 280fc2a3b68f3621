// What stands on the map of the centre: a mark at each place, laid apart where places lie close together.

import * as L from '../lib/leaflet/leaflet.js';
import { apart, tie } from './apart.js';
import { mark } from './map-ground.js';
import { find } from './markup.js';

/**
 * @typedef {object} Mark
 * @property {string} key the same for the same thing
 * @property {string} kind
 * @property {string} state
 * @property {[number, number]} at latitude, longitude
 * @property {string} told what is drawn, to see whether it changed
 * @property {() => Node[]} inside
 * @property {() => void} choose
 */
/** @typedef {{marker: L.Marker, told: string, state: string, dx: number, dy: number}} Standing */

/** Moved by less, a mark still points to its place by itself. */
const HARDLY_PX = 3;

export class Marks {
  /** @type {Map<string, Standing>} the first ones make way last */
  #standing = new Map();
  #ties = L.layerGroup();

  /** @param {L.Map} map */
  constructor(map) {
    this.map = map;
    this.#ties.addTo(map);
    map.on('moveend', () => this.#lay());
    map.on('layeradd layerremove', ({ layer }) => layer instanceof L.GeoJSON && this.#lay());
  }

  /** These and no others. @param {Mark[]} marks the most important first */
  show(marks) {
    const former = this.#standing;
    this.#standing = new Map();
    for (const each of marks) {
      const known = former.get(each.key);
      former.delete(each.key);
      known?.marker.setLatLng(each.at);
      const same = known?.told === each.told;
      const icon = same ? null : mark(`map-mark map-mark-${each.kind} map-mark-${each.state}`, ...each.inside());
      const marker = known?.marker ?? L.marker(each.at, { icon: icon ?? undefined, pane: 'marks', riseOnHover: true, zIndexOffset: each.kind === 'site' ? 500 : 800 });
      if (!known) marker.on('click', each.choose).addTo(this.map);
      else if (icon) marker.setIcon(icon);
      this.#standing.set(each.key, { marker, told: each.told, state: each.state, dx: same ? known.dx : 0, dy: same ? known.dy : 0 });
    }
    for (const { marker } of former.values()) marker.remove();
    this.#lay();
  }

  /** None covers another, nor a point of a layer. */
  #lay() {
    const edge = this.map.getContainer().getBoundingClientRect();
    const standing = [...this.#standing.values()];
    const boxes = standing.map(({ marker, dx, dy }) => {
      const { x, y } = this.map.latLngToContainerPoint(marker.getLatLng());
      const drawn = inside(marker).getBoundingClientRect();
      return { x, y, left: drawn.left - edge.left - x - dx, top: drawn.top - edge.top - y - dy, width: drawn.width, height: drawn.height };
    });
    const points = [...this.map.getContainer().querySelectorAll('.map-point .map-mark-inside')].map((point) => point.getBoundingClientRect());
    const taken = points.map((point) => ({ left: point.left - edge.left, top: point.top - edge.top, right: point.right - edge.left, bottom: point.bottom - edge.top }));
    const moves = apart(boxes, taken, { left: 0, top: 0, right: edge.width, bottom: edge.height });
    this.#ties.clearLayers();
    standing.forEach((each, n) => this.#move(each, /** @type {import('./apart.js').Box} */ (boxes[n]), /** @type {{dx: number, dy: number}} */ (moves[n])));
  }

  /** @param {Standing} each @param {import('./apart.js').Box} box @param {{dx: number, dy: number}} move */
  #move(each, box, move) {
    [each.dx, each.dy] = [move.dx, move.dy];
    const { style } = inside(each.marker);
    [style.left, style.top] = [`${move.dx}px`, `${move.dy}px`];
    const moved = Math.hypot(move.dx, move.dy) > HARDLY_PX;
    each.marker.getElement()?.classList.toggle('map-mark-moved', moved);
    if (!moved) return;
    const place = each.marker.getLatLng();
    const end = tie(box, move);
    const own = { pane: 'ties', interactive: false };
    L.polyline([place, this.map.containerPointToLatLng([box.x + end.x, box.y + end.y])], { ...own, className: `map-tie map-mark-${each.state}` }).addTo(this.#ties);
    L.circleMarker(place, { ...own, radius: 4, className: `map-tie-end map-mark-${each.state}` }).addTo(this.#ties);
  }
}

/** @param {L.Marker} marker */
function inside(marker) {
  return find(/** @type {HTMLElement} */ (marker.getElement()), '.map-mark-inside');
}
