// The editor of one layer: draws points, lines and areas with the mouse or from the keyboard, moves and takes out corners, saves.

import * as L from '../lib/leaflet/leaflet.js';
import { t } from './i18n.js';
import { Ground, glyph, label, mark } from './map-ground.js';
import { el, fill, find, say } from './markup.js';
import { announce, pageData, send, toast } from './page.js';
import { asText, corners, fromText, inserted, LEAST, middles, moved, shaped, without } from './shapes.js';

/** @typedef {import('./shapes.js').Feature} Feature */
/** @typedef {import('./shapes.js').Kind} Kind */
/** @typedef {import('./shapes.js').Position} Position */
/** @typedef {import('./map-ground.js').Layer} Layer */

/** How far an arrow key moves a corner, px; with Shift the smaller one. */
const STEP_PX = 10;
const SMALL_STEP_PX = 1;
const ARROWS = /** @type {Record<string, [number, number]>} */ ({ ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] });
const MOST_UNDONE = 50;

class LayerEditor extends HTMLElement {
  /** @type {Feature[]} */
  #features = [];
  /** What was before each change, the newest last. @type {string[]} */
  #former = [];
  /** @type {number | null} */
  #chosen = null;
  /** @type {{kind: Kind, places: Position[]} | null} */
  #drawing = null;
  #shapes = L.layerGroup();
  #handles = L.layerGroup();
  #version = 0;
  #dirty = false;

  connectedCallback() {
    if (this.ground) return;
    /** @type {import('./map.js').Data & {layer: string}} */
    const data = pageData();
    this.data = data;
    const own = data.layers.find((layer) => layer.id === data.layer);
    this.#features = structuredClone(own?.features ?? []);
    this.#version = own?.version ?? 0;
    this.ground = new Ground(find(this, '[data-map]'), data.tiles);
    this.ground.show(data.layers.filter((layer) => layer.id !== data.layer && layer.visible));
    this.#shapes.addTo(this.ground.map);
    this.#handles.addTo(this.ground.map);
    this.#draw();
    this.ground.fit([...this.#features.flatMap((feature) => corners(feature.geometry)), ...data.scene.sites.flatMap((site) => (site.longitude === null || site.latitude === null ? [] : [/** @type {Position} */ ([site.longitude, site.latitude])]))].map(([x, y]) => [y, x]));
    this.ground.map.on('click', (event) => this.#clicked([event.latlng.lng, event.latlng.lat]));
    this.ground.map.doubleClickZoom.disable();
    this.ground.map.on('dblclick', () => this.#finish());
    find(this, '[data-map]').addEventListener('keydown', (event) => this.#key(event), true);
    this.addEventListener('click', (event) => this.#pressed(event));
    this.addEventListener('input', (event) => this.#typed(event));
    this.addEventListener('change', (event) => void this.#changed(event));
    find(this, 'form').addEventListener('submit', (event) => { event.preventDefault(); void this.#save(); });
    addEventListener('beforeunload', (event) => { if (this.#dirty) event.preventDefault(); });
  }

  get map() {
    return /** @type {Ground} */ (this.ground).map;
  }

  /** @param {string} name */
  #field(name) {
    return /** @type {HTMLInputElement} */ (find(this, `[name="${name}"]`));
  }

  // ---------------------------------------------------------------------------------------------- what is drawn

  #draw() {
    this.#paint();
    this.#corners();
    this.#lists();
  }

  /** The shapes alone. */
  #paint() {
    const [colour, sign] = [this.#field('colour').value, this.#field('glyph').value];
    this.#shapes.clearLayers();
    for (const [index, feature] of this.#features.entries()) {
      const drawn = L.geoJSON(/** @type {any} */ (feature), {
        style: () => ({ className: `shape shape-${colour} shape-of-${sign}${index === this.#chosen ? ' shape-chosen' : ''}`, weight: sign === 'river' ? 4 : 2 }),
        pointToLayer: (_feature, at) => L.marker(at, { icon: mark(`map-point map-${colour}${index === this.#chosen ? ' map-chosen' : ''}`, glyph(sign)), keyboard: false }),
      });
      if (feature.properties.name) drawn.bindTooltip(label(feature.properties.name), { permanent: true, direction: feature.geometry.type === 'Point' ? 'bottom' : 'center', className: `map-label map-${colour}` });
      drawn.on('click', (event) => {
        if (this.#drawing) return;
        L.DomEvent.stopPropagation(event);
        this.#choose(index);
      });
      drawn.addTo(this.#shapes);
    }
  }

  /** Corners that can be taken hold of, and between them places for new ones. */
  #corners() {
    const focused = document.activeElement?.closest('.map-corner')?.getAttribute('data-corner');
    this.#handles.clearLayers();
    const drawing = this.#drawing;
    if (drawing) {
      const style = { className: 'shape-drawing', interactive: false, weight: 2 };
      L.polyline(drawing.places.map(([x, y]) => L.latLng(y, x)), style).addTo(this.#handles);
      for (const [x, y] of drawing.places) L.circleMarker([y, x], { radius: 4, ...style }).addTo(this.#handles);
      return;
    }
    const feature = this.#chosen === null ? undefined : this.#features[this.#chosen];
    if (!feature) return;
    for (const { before, place } of middles(feature.geometry)) {
      const middle = L.marker([place[1], place[0]], { icon: mark('map-middle'), pane: 'marks', title: t('Add a corner here') });
      middle.on('click', (event) => { L.DomEvent.stopPropagation(event); this.#reshape(inserted(feature.geometry, before, place)); });
      middle.addTo(this.#handles);
    }
    for (const [index, [x, y]] of corners(feature.geometry).entries()) {
      const corner = L.marker([y, x], { icon: mark('map-corner'), draggable: true, pane: 'marks', title: t('Corner {n}: arrow keys move it, Delete takes it out', { n: index + 1 }), zIndexOffset: 1000 });
      corner.on('dragend', () => this.#reshape(moved(feature.geometry, index, [corner.getLatLng().lng, corner.getLatLng().lat])));
      corner.on('click', (event) => L.DomEvent.stopPropagation(event));
      corner.addTo(this.#handles);
      const element = corner.getElement();
      element?.setAttribute('data-corner', String(index));
      if (String(index) === focused) element?.focus({ preventScroll: true });
    }
  }

  #lists() {
    const names = { Point: t('Point'), LineString: t('Line'), Polygon: t('Surface') };
    fill(find(this, '[data-features]'), ...this.#features.map((feature, index) => el('li', {},
      el('button', { type: 'button', class: 'map-row', 'data-feature': index, 'aria-pressed': String(index === this.#chosen) },
        el('span', {}, el('b', {}, feature.properties.name || t('Without a name')), el('small', {}, names[feature.geometry.type]))))));
    find(this, '[data-no-features]').hidden = this.#features.length > 0;
    say(find(this, '[data-feature-count]'), String(this.#features.length));
    const feature = this.#chosen === null ? undefined : this.#features[this.#chosen];
    find(this, '[data-properties]').hidden = feature === undefined;
    if (feature) {
      for (const name of /** @type {const} */ (['name', 'note', 'case'])) this.#put(`feature-${name}`, feature.properties[name]);
      this.#put('feature-places', asText(feature.geometry));
    }
    /** @type {HTMLButtonElement} */ (find(this, '[data-undo]')).disabled = this.#former.length === 0;
    for (const button of this.querySelectorAll('[data-draw]')) button.setAttribute('aria-pressed', String(this.#drawing?.kind === /** @type {HTMLElement} */ (button).dataset.draw));
    find(this, '[data-drawing]').hidden = this.#drawing === null;
    /** @type {HTMLButtonElement} */ (find(this, '[data-finish]')).disabled = this.#drawing === null || this.#drawing.places.length < LEAST[this.#drawing.kind];
    this.classList.toggle('drawing', this.#drawing !== null);
    say(find(this, '[data-saved]'), this.#dirty ? t('Not saved yet') : '');
  }

  /** @param {string} name @param {string} value */
  #put(name, value) {
    const field = this.#field(name);
    if (document.activeElement !== field) field.value = value;
  }

  // ---------------------------------------------------------------------------------------------- changes

  #remember() {
    this.#former.push(JSON.stringify(this.#features));
    if (this.#former.length > MOST_UNDONE) this.#former.shift();
    this.#dirty = true;
  }

  /** @param {import('./shapes.js').Shape} geometry */
  #reshape(geometry) {
    const feature = this.#chosen === null ? undefined : this.#features[this.#chosen];
    if (!feature) return;
    this.#remember();
    feature.geometry = geometry;
    this.#draw();
  }

  /** @param {number | null} index */
  #choose(index) {
    this.#chosen = index;
    this.#draw();
  }

  /** @param {Position} place */
  #clicked(place) {
    const drawing = this.#drawing;
    if (!drawing) return this.#choose(null);
    drawing.places.push(place);
    announce(t('{n} corners', { n: drawing.places.length }));
    if (drawing.kind === 'Point') return this.#finish();
    this.#corners();
    this.#lists();
  }

  #finish() {
    const drawing = this.#drawing;
    if (!drawing) return;
    // The second click of a double click is a corner on the same spot.
    const places = drawing.places.filter((place, i) => i === 0 || place.join() !== drawing.places[i - 1]?.join());
    if (places.length < LEAST[drawing.kind]) return;
    this.#remember();
    this.#features.push({ type: 'Feature', geometry: shaped(drawing.kind, places), properties: { name: '', note: '', case: '' } });
    this.#drawing = null;
    this.#choose(this.#features.length - 1);
    this.#field('feature-name').focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const corner = event.target instanceof Element ? event.target.closest('[data-corner]') : null;
    const feature = this.#chosen === null ? undefined : this.#features[this.#chosen];
    if (corner && feature) return this.#corner(event, Number(corner.getAttribute('data-corner')), feature);
    if (!this.#drawing) return;
    const centre = this.map.getCenter();
    if (event.key === ' ') this.#clicked([centre.lng, centre.lat]);
    else if (event.key === 'Enter') this.#finish();
    else if (event.key === 'Escape') this.#start(null);
    else if (event.key === 'Backspace') {
      this.#drawing.places.pop();
      this.#corners();
      this.#lists();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {KeyboardEvent} event @param {number} index @param {Feature} feature */
  #corner(event, index, feature) {
    const arrow = ARROWS[event.key];
    const place = corners(feature.geometry)[index];
    if (arrow && place) {
      const step = event.shiftKey ? SMALL_STEP_PX : STEP_PX;
      const to = this.map.containerPointToLatLng(this.map.latLngToContainerPoint([place[1], place[0]]).add([arrow[0] * step, arrow[1] * step]));
      this.#reshape(moved(feature.geometry, index, [to.lng, to.lat]));
    } else if (event.key === 'Delete' || event.key === 'Backspace') {
      const left = without(feature.geometry, index);
      if (left) this.#reshape(left);
      else announce(t('It needs the corners that it has.'));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Kind | null} kind */
  #start(kind) {
    this.#drawing = kind ? { kind, places: [] } : null;
    this.#chosen = null;
    this.#draw();
    if (kind) find(this, '[data-map]').focus();
  }

  /** @param {Event} event */
  #pressed(event) {
    const button = event.target instanceof Element ? event.target.closest('button') : null;
    if (!button) return;
    if (button.dataset.draw) this.#start(this.#drawing?.kind === button.dataset.draw ? null : /** @type {Kind} */ (button.dataset.draw));
    else if (button.dataset.feature !== undefined) this.#pick(Number(button.dataset.feature));
    else if (button.hasAttribute('data-finish')) this.#finish();
    else if (button.hasAttribute('data-cancel')) this.#start(null);
    else if (button.hasAttribute('data-undo')) this.#undo();
    else if (button.hasAttribute('data-delete') && this.#chosen !== null) {
      this.#remember();
      this.#features.splice(this.#chosen, 1);
      this.#choose(null);
    } else if (button.hasAttribute('data-good')) void this.#read(true);
    else if (button.hasAttribute('data-remove')) void this.#remove();
    else if (button.hasAttribute('data-up')) void this.#move(true);
    else if (button.hasAttribute('data-down')) void this.#move(false);
  }

  /** @param {number} index */
  #pick(index) {
    this.#drawing = null;
    this.#choose(index);
    const feature = this.#features[index];
    if (feature) this.map.fitBounds(L.geoJSON(/** @type {any} */ (feature)).getBounds(), { padding: [60, 60], maxZoom: Math.max(this.map.getZoom(), 14), animate: false });
    /** @type {HTMLElement | null} */ (this.querySelector(`[data-feature="${index}"]`))?.focus();
  }

  #undo() {
    const former = this.#former.pop();
    if (former === undefined) return;
    this.#features = JSON.parse(former);
    this.#choose(null);
  }

  /** @param {Event} event */
  #typed(event) {
    const field = event.target;
    const feature = this.#chosen === null ? undefined : this.#features[this.#chosen];
    if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) || !feature) {
      this.#dirty = true;
      return;
    }
    const name = /** @type {'name' | 'note' | 'case'} */ (field.name.replace('feature-', ''));
    if (name in feature.properties) {
      // Painted while it is typed: when the focus leaves for a corner or a row, that has to stay where it is.
      feature.properties[name] = field.value;
      this.#dirty = true;
      this.#paint();
      this.#lists();
    }
  }

  /** @param {Event} event */
  async #changed(event) {
    const field = event.target;
    if (!(field instanceof HTMLElement)) return;
    if (field.matches('[name="feature-places"]')) this.#placed(/** @type {HTMLTextAreaElement} */ (field));
    else if (field.matches('[type="file"]')) await this.#read(false);
    else if (field.matches('select')) this.#paint();
  }

  /** @param {HTMLTextAreaElement} field */
  #placed(field) {
    const feature = this.#chosen === null ? undefined : this.#features[this.#chosen];
    const { places, bad } = fromText(field.value);
    const place = find(this, '[data-places-error]');
    const few = feature !== undefined && places.length < LEAST[feature.geometry.type];
    place.hidden = bad === 0 && !few;
    say(place, bad > 0 ? t('Line {n} is not a latitude and a longitude.', { n: bad }) : few ? t('It needs more corners.') : '');
    if (feature && bad === 0 && !few) this.#reshape(shaped(feature.geometry.type, places, feature.geometry));
  }

  // ---------------------------------------------------------------------------------------------- the server

  /** Read a file into the layer; nothing is saved by it. @param {boolean} goodAlone */
  async #read(goodAlone) {
    const file = /** @type {HTMLInputElement} */ (find(this, '[type="file"]')).files?.[0];
    if (!file) return;
    const { ok, data } = await send('/console/map/file', { text: await file.text(), system: this.#field('system').value, good_alone: goodAlone });
    const place = find(this, '[data-file-errors]');
    place.hidden = ok;
    if (!ok) {
      fill(place, el('p', {}, data.title), data.errors && data.code === 'geojson_features' && el('ul', {}, ...data.errors.map((/** @type {{detail: string}} */ each) => el('li', {}, each.detail))),
        data.good > 0 && el('button', { type: 'button', class: 'button button-small', 'data-good': true }, t('Take the {n} that are good', { n: data.good })));
      return;
    }
    this.#remember();
    this.#features.push(...data.features);
    this.#choose(null);
    this.ground?.fit(this.#features.flatMap((feature) => corners(feature.geometry)).map(([x, y]) => [y, x]));
    toast(t('{n} taken from the file', { n: data.features.length }));
  }

  async #save() {
    const body = { version: this.#version, features: this.#features, visible: this.#field('visible').checked };
    const text = Object.fromEntries(['name', 'name_en', 'glyph', 'colour'].map((name) => [name, this.#field(name).value]));
    const { ok, data } = await send(this.data?.layer ? `/console/map/layers/${this.data.layer}` : '/console/map/layers', { ...body, ...text });
    this.#said(ok ? [] : data.errors ?? [{ field: '', detail: data.title }], data);
    if (!ok) return;
    this.#dirty = false;
    this.#version = data.version;
    if (!this.data?.layer) return location.assign(`/console/map/layers/${data.id}`);
    this.#lists();
    toast(t('Saved'));
  }

  /** @param {{field: string, detail: string}[]} errors @param {{title?: string, code?: string}} data */
  #said(errors, data) {
    for (const place of this.querySelectorAll('[data-error]')) {
      const own = errors.filter((each) => each.field === /** @type {HTMLElement} */ (place).dataset.error);
      /** @type {HTMLElement} */ (place).hidden = own.length === 0;
      say(place, own.map((each) => each.detail).join(' '));
    }
    const whole = find(this, '[data-whole]');
    const rest = errors.filter((each) => !this.querySelector(`[data-error="${each.field}"]`));
    whole.hidden = rest.length === 0;
    fill(whole, ...rest.map((each) => el('span', {}, each.detail)), data.code === 'layer_changed' && el('a', { href: location.pathname }, t('See what is saved now')));
  }

  async #remove() {
    if (!this.data?.layer) return;
    const { ok, data } = await send(`/console/map/layers/${this.data.layer}/remove`, { version: this.#version });
    if (!ok) return this.#said([{ field: '', detail: data.title }], data);
    this.#dirty = false;
    location.assign('/console/map');
  }

  /** @param {boolean} up */
  async #move(up) {
    if (!this.data?.layer) return;
    const { ok, data } = await send(`/console/map/layers/${this.data.layer}/move`, { up });
    if (ok) toast(up ? t('One higher') : t('One lower'));
    else this.#said([{ field: '', detail: data.title }], data);
  }
}

customElements.define('layer-editor', LayerEditor);
