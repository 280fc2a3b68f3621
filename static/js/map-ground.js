// The ground of every map of the centre: Leaflet with our own tiles where the site has some, a graticule where it has none, and layers.

import * as L from '../lib/leaflet/leaflet.js';
import { t } from './i18n.js';
import { placeOfName } from './line-name.js';
import { el, svg } from './markup.js';

/** @typedef {import('./shapes.js').Feature} Feature */
/**
 * @typedef {object} Layer
 * @property {string} id
 * @property {string} name
 * @property {string} name_en
 * @property {string} shown_name
 * @property {string} glyph
 * @property {string} colour
 * @property {boolean} visible
 * @property {number} version
 * @property {Feature[]} features
 */
/** @typedef {{least: number, most: number} | null} TileRange */

const SPRITE = new URL('../map-glyphs.svg', import.meta.url).pathname;
/** Degrees between lines of the graticule, from which the one is taken that leaves some lines in sight. */
const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20];
const LINES = 7;
/** Names of points are shown from this zoom on. */
const NAMES_FROM = 13;
/** Where a map without anything on it begins: the middle of the country. @type {[number, number]} */
const NOWHERE = [35, 105];

/** A glyph of the map, larger with the type of the page, also when it is moved to a larger screen. @param {string} name @param {number} [size] px on a desk screen */
export function glyph(name, size = 18) {
  return svg('svg', { class: 'map-glyph', width: `${size / 16}rem`, height: `${size / 16}rem`, 'aria-hidden': 'true' }, svg('use', { href: `${SPRITE}#${name}` }));
}

/**
 * A mark on the map made of elements; what is typed is never parsed.
 * @param {string} className @param {...Node} children
 */
export function mark(className, ...children) {
  return L.divIcon({ className, html: el('span', { class: 'map-mark-inside' }, ...children), iconSize: undefined });
}

/** A label made of text. @param {string} text */
export function label(text) {
  return el('span', {}, text);
}

export class Ground {
  #graticule = L.layerGroup();
  /** @type {Map<string, L.GeoJSON>} */
  #drawn = new Map();
  /** What is looked at until somebody moves the map himself: also when the page becomes larger or smaller. @type {L.LatLngBounds | null} */
  #kept = null;
  #fitting = false;

  /** @param {HTMLElement} place @param {TileRange} tiles */
  constructor(place, tiles) {
    this.map = L.map(place, {
      zoomControl: false, attributionControl: false, zoomSnap: 0.5, minZoom: 3, maxZoom: 19, worldCopyJump: true, boxZoom: false,
      zoomAnimation: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    });
    L.control.zoom({ position: 'topright', zoomInTitle: t('Closer'), zoomOutTitle: t('Further away') }).addTo(this.map);
    L.control.scale({ imperial: false, maxWidth: 160 }).addTo(this.map);
    this.map.setView(NOWHERE, 4);
    // Above the names of what is drawn: what has a state is never covered by one.
    this.map.createPane('marks').style.zIndex = '660';
    this.map.createPane('ties').style.zIndex = '655';
    if (tiles) {
      const build = new URL('/console/map/tiles/', location.href).pathname;
      L.tileLayer(`${build}{z}/{x}/{y}`, { minNativeZoom: tiles.least, maxNativeZoom: tiles.most, maxZoom: 19, className: 'map-tiles' }).addTo(this.map);
      place.classList.add('has-tiles');
    } else {
      this.#graticule.addTo(this.map);
      this.map.on('moveend', () => this.#grid());
    }
    this.map.on('zoomend', () => this.#zoomed());
    this.map.on('movestart zoomstart', () => { if (!this.#fitting) this.#kept = null; });
    this.map.on('resize', () => this.#fit());
    // A mark that has the focus is pressed by Enter and Space like any button.
    place.addEventListener('keydown', (event) => {
      const marked = event.target instanceof HTMLElement && event.target.matches('.map-mark, .map-middle') ? event.target : null;
      if (!marked || (event.key !== 'Enter' && event.key !== ' ')) return;
      event.preventDefault();
      event.stopPropagation();
      marked.click();
    }, true);
    new ResizeObserver(() => this.map.invalidateSize({ animate: false })).observe(place);
    this.#zoomed();
  }

  #zoomed() {
    this.map.getContainer().classList.toggle('far', this.map.getZoom() < NAMES_FROM);
  }

  /** Lines of latitude and longitude at round degrees, named at the edges. */
  #grid() {
    const bounds = this.map.getBounds();
    const step = STEPS.find((each) => (bounds.getNorth() - bounds.getSouth()) / each <= LINES) ?? 45;
    const digits = Math.max(0, -Math.floor(Math.log10(step)));
    this.#graticule.clearLayers();
    const style = { className: 'graticule', interactive: false, weight: 1 };
    for (let y = Math.ceil(bounds.getSouth() / step) * step; y <= Math.min(85, bounds.getNorth()); y += step) {
      L.polyline([[y, bounds.getWest()], [y, bounds.getEast()]], style).addTo(this.#graticule);
      this.#degrees([y, bounds.getWest()], `${Math.abs(y).toFixed(digits)}°${y < 0 ? 'S' : 'N'}`, 'graticule-y');
    }
    for (let x = Math.ceil(bounds.getWest() / step) * step; x <= bounds.getEast(); x += step) {
      L.polyline([[bounds.getSouth(), x], [bounds.getNorth(), x]], style).addTo(this.#graticule);
      this.#degrees([bounds.getNorth(), x], `${Math.abs(x).toFixed(digits)}°${x < 0 ? 'W' : 'E'}`, 'graticule-x');
    }
  }

  /** @param {[number, number]} at @param {string} text @param {string} className */
  #degrees(at, text, className) {
    L.marker(at, { icon: mark(`graticule-label ${className}`, label(text)), interactive: false, keyboard: false }).addTo(this.#graticule);
  }

  /**
   * Draw layers, the lowest first, and no others.
   * @param {Layer[]} layers @param {(feature: Feature, layer: Layer) => void} [choose]
   */
  show(layers, choose) {
    for (const drawn of this.#drawn.values()) drawn.remove();
    this.#drawn = new Map(layers.map((layer) => [layer.id, this.#layer(layer, choose).addTo(this.map)]));
    const points = layers.flatMap(({ features }) => features.flatMap(({ geometry }) => (geometry.type === 'Point' ? [geometry.coordinates] : [])));
    for (const drawn of this.#drawn.values()) drawn.eachLayer((each) => this.#name(each, points));
  }

  /** A line is named where no point lies on its name. @param {L.Layer} drawn @param {import('./shapes.js').Position[]} points */
  #name(drawn, points) {
    const { geometry } = /** @type {{feature: Feature}} */ (/** @type {unknown} */ (drawn)).feature;
    if (geometry.type !== 'LineString' || geometry.coordinates.length < 2 || !drawn.getTooltip()) return;
    const [longitude, latitude] = placeOfName(geometry.coordinates, points);
    drawn.openTooltip([latitude, longitude]);
  }

  /** @param {Layer} layer @param {(feature: Feature, layer: Layer) => void} [choose] */
  #layer(layer, choose) {
    return L.geoJSON(/** @type {any} */ ({ type: 'FeatureCollection', features: layer.features }), {
      style: () => ({ className: `shape shape-${layer.colour} shape-of-${layer.glyph}`, weight: layer.glyph === 'river' ? 4 : 2 }),
      pointToLayer: (_feature, at) => L.marker(at, { icon: mark(`map-point map-${layer.colour}`, glyph(layer.glyph)), keyboard: false }),
      onEachFeature: (feature, drawn) => {
        const own = /** @type {Feature} */ (/** @type {unknown} */ (feature));
        if (own.properties.name) {
          const point = own.geometry.type === 'Point';
          drawn.bindTooltip(label(own.properties.name), {
            permanent: true, direction: point ? 'bottom' : 'center', offset: point ? [0, 10] : [0, 0], className: `map-label map-label-${point ? 'point' : 'shape'} map-label-of-${layer.glyph} map-${layer.colour}`,
          });
        }
        if (choose) drawn.on('click', (event) => { L.DomEvent.stopPropagation(event); choose(own, layer); });
      },
    });
  }

  /** Look at everything that is drawn and at these places. @param {[number, number][]} places latitude, longitude */
  fit(places) {
    const bounds = L.latLngBounds(places);
    for (const drawn of this.#drawn.values()) if (drawn.getLayers().length > 0) bounds.extend(drawn.getBounds());
    this.#kept = bounds.isValid() ? bounds : null;
    this.#fit();
  }

  #fit() {
    if (!this.#kept) return;
    this.#fitting = true;
    this.map.fitBounds(this.#kept, { padding: [36, 36], maxZoom: 15, animate: false });
    this.#fitting = false;
  }
}
