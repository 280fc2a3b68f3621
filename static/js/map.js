// The map of the centre: rooms, people in the field and tasks where they are, live; and the same as a list with the same acts.

import * as L from '../lib/leaflet/leaflet.js';
import { t } from './i18n.js';
import { keyed } from './keyed.js';
import { Ground, glyph } from './map-ground.js';
import { Marks } from './map-marks.js';
import { el, fill, find, icon, say } from './markup.js';
import { announce, pageData, toast } from './page.js';
import { TellingLine } from './telling-line.js';
import { round } from './shapes.js';

/** @typedef {{latitude: number | null, longitude: number | null}} Placed */
/** @typedef {{id: string, name: string, state: string, state_text: string, sitting: {id: string, title: string, kind: string, stage_text: string, observable: boolean} | null}} RoomAt */
/** @typedef {Placed & {id: string, name: string, address: string, state: string, state_text: string, rooms: RoomAt[]}} SiteAt */
/** @typedef {Placed & {id: string, name: string, phone: string, team_id: string, team: string, accuracy_m: number, age_text: string, stale: boolean, feed: string}} PersonAt `feed`: of the live video that he sends */
/** @typedef {Placed & {id: string, number: string, title: string, team: string, where: string, state: string, state_text: string, overdue: boolean}} TaskAt */
/** @typedef {Placed & {id: string, number: string, title: string, team: string, state_text: string, by: string, text: string, age_text: string, at_task: boolean, accuracy_m: number | null, files: {id: string, name: string, video: boolean}[]}} ReportAt */
/** @typedef {{sites: SiteAt[], people: PersonAt[], tasks: TaskAt[], reports: ReportAt[], layers: string}} Scene */
/** @typedef {'site' | 'task' | 'person' | 'report'} Kind */
/** @typedef {import('./map-ground.js').Layer} Layer */
/** @typedef {import('./shapes.js').Feature} Feature */
/** @typedef {{scene: Scene, layers: Layer[], tiles: import('./map-ground.js').TileRange, edits: boolean, watches: boolean, opens: boolean}} Data */
/** @typedef {{kind: Kind, id: string} | {kind: 'feature', feature: Feature, layer: Layer} | {kind: 'place', at: [number, number]}} Choice */

const HIDDEN = 'map-hidden-layers';
/** What of the detail can have the focus. */
const STOPS = 'a, button, [tabindex]';

/** The small picture of a file. @param {string} file */
function small(file) {
  return `/console/files/${file}/small`;
}

/** The first photo of a report, for its mark; nothing of anything else. @param {SiteAt | PersonAt | TaskAt | ReportAt} thing */
function picture(thing) {
  const first = 'files' in thing ? thing.files[0] : undefined;
  return first ? el('img', { class: 'map-mark-photo', src: small(first.id), alt: '', width: 40, height: 40 }) : null;
}

class DistrictMap extends HTMLElement {
  /** @type {Marks | null} */
  #marks = null;
  /** @type {Choice | null} */
  #chosen = null;
  /** Where the focus was before the detail took it. @type {Element | null} */
  #from = null;
  /** Layers that this viewer shows or hides other than they are set. @type {Record<string, boolean>} */
  #own = JSON.parse(localStorage.getItem(HIDDEN) ?? '{}');

  connectedCallback() {
    if (this.ground) return;
    /** @type {Data} */
    this.data = pageData();
    this.ground = new Ground(find(this, '[data-map]'), this.data.tiles);
    this.#marks = new Marks(this.ground.map);
    this.ground.map.on('click', (event) => this.#choose({ kind: 'place', at: [event.latlng.lat, event.latlng.lng] }));
    find(this, '[data-centre]').addEventListener('click', () => {
      const centre = this.ground?.map.getCenter();
      if (centre) this.#choose({ kind: 'place', at: [centre.lat, centre.lng] }, true);
    });
    find(this, '[data-all]').addEventListener('click', () => this.#fit());
    find(this, '[data-search]').addEventListener('input', () => this.#lists());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#chosen && !find(this, '[data-detail]').hidden) this.#choose(null);
    });
    this.#layers();
    this.#show();
    this.#fit();
    const line = new TellingLine(() => '/ws/console/map', (message) => this.#take(message), (open) => {
      find(this, '[data-broken]').hidden = open;
      this.classList.toggle('stale', !open);
    });
    line.open();
  }

  /** @param {any} message */
  #take(message) {
    const data = this.data;
    if (!data || message.type !== 'scene') return;
    const before = data.scene;
    data.scene = message.scene;
    if (before.layers !== data.scene.layers) void this.#reload();
    this.#called(before.sites, data.scene.sites);
    this.#show();
  }

  /** A fault is said aloud once. @param {SiteAt[]} before @param {SiteAt[]} now */
  #called(before, now) {
    const had = new Set(before.filter((site) => site.state === 'fault').map((site) => site.id));
    for (const site of now) if (site.state === 'fault' && !had.has(site.id)) announce(t('{name}: {value}', { name: site.name, value: site.state_text }));
  }

  async #reload() {
    const response = await fetch('/console/map/layers', { headers: { Accept: 'application/json' } });
    if (!response.ok || !this.data) return;
    this.data.layers = (await response.json()).layers;
    this.#layers();
    this.#lists();
  }

  #fit() {
    this.ground?.fit([...this.#all()].flatMap(({ thing }) => (thing.latitude === null || thing.longitude === null ? [] : [/** @type {[number, number]} */ ([thing.latitude, thing.longitude])])));
  }

  /** @param {Layer} layer */
  #visible(layer) {
    return this.#own[layer.id] ?? layer.visible;
  }

  /** The layers on the map, and the boxes that show and hide them. */
  #layers() {
    const data = this.data;
    if (!data) return;
    this.ground?.show(data.layers.filter((layer) => this.#visible(layer)), (feature, layer) => this.#choose({ kind: 'feature', feature, layer }));
    const box = find(this, '[data-layers]');
    fill(box, ...[...data.layers].reverse().map((layer) => el('li', {},
      el('label', { class: 'check' }, el('input', { type: 'checkbox', value: layer.id, checked: this.#visible(layer) }), el('span', { class: `map-key map-${layer.colour}` }, glyph(layer.glyph)), el('span', {}, layer.shown_name)),
      data.edits && el('a', { class: 'button button-quiet button-small button-icon', href: `/console/map/layers/${layer.id}`, title: t('Change'), 'aria-label': t('Change “{name}”', { name: layer.shown_name }) }, icon('pencil', 16)))));
    for (const input of box.querySelectorAll('input')) {
      input.checked = this.#visible(/** @type {Layer} */ (data.layers.find((layer) => layer.id === input.value)));
      input.onchange = () => {
        this.#own[input.value] = input.checked;
        localStorage.setItem(HIDDEN, JSON.stringify(this.#own));
        this.ground?.show(data.layers.filter((layer) => this.#visible(layer)), (feature, layer) => this.#choose({ kind: 'feature', feature, layer }));
      };
    }
    find(this, '[data-no-layers]').hidden = data.layers.length > 0;
  }

  /** Everything that has a state. @returns {Generator<{kind: Kind, key: string, thing: SiteAt | PersonAt | TaskAt | ReportAt, state: string, name: string, more: string}>} */
  *#all() {
    const scene = this.data?.scene;
    if (!scene) return;
    for (const site of scene.sites) yield { kind: 'site', key: `site-${site.id}`, thing: site, state: site.state, name: site.name, more: site.state_text };
    for (const task of scene.tasks) yield { kind: 'task', key: `task-${task.id}`, thing: task, state: task.overdue ? 'overdue' : task.state, name: task.title, more: [task.state_text, task.overdue && t('overdue'), task.team].filter(Boolean).join(' · ') };
    for (const report of scene.reports) yield { kind: 'report', key: `report-${report.id}`, thing: report, state: 'report', name: report.title, more: `${report.by} · ${report.age_text}` };
    for (const person of scene.people) yield { kind: 'person', key: `person-${person.id}`, thing: person, state: person.stale ? 'stale' : 'fresh', name: person.name, more: `${person.team} · ${person.age_text}` };
  }

  #show() {
    this.#marks?.show([...this.#all()].flatMap(({ kind, key, thing, state, name, more }) => {
      if (thing.latitude === null || thing.longitude === null) return [];
      const inside = () => [picture(thing) ?? glyph(kind === 'site' ? `state-${state}` : kind, 20), el('span', { class: 'map-mark-name' }, el('b', {}, name), el('small', {}, more))];
      return [{ key, kind, state, at: /** @type {[number, number]} */ ([thing.latitude, thing.longitude]), told: JSON.stringify([state, name, more]), inside, choose: () => this.#choose({ kind, id: thing.id }, true) }];
    }));
    this.#lists();
    if (this.#chosen) this.#detail();
  }

  /** The same as lists: what is on the map, and what has no place on it. */
  #lists() {
    const wanted = /** @type {HTMLInputElement} */ (find(this, '[data-search]')).value.trim().toLocaleLowerCase();
    for (const kind of /** @type {const} */ (['site', 'task', 'report', 'person'])) {
      const found = [...this.#all()].filter((each) => each.kind === kind && `${each.name} ${each.more}`.toLocaleLowerCase().includes(wanted));
      keyed(find(this, `[data-list="${kind}"]`), found, (each) => each.key, (each) => {
        const item = el('li', {}, el('button', { type: 'button', class: 'map-row' }));
        find(item, 'button').addEventListener('click', () => this.#choose({ kind, id: each.thing.id }, true));
        return item;
      }, (item, each) => {
        const button = find(item, 'button');
        button.className = `map-row map-mark-${each.state}`;
        fill(button, glyph(kind === 'site' ? `state-${each.state}` : kind, 18), el('span', {}, el('b', {}, each.name), el('small', {}, each.more)),
          each.thing.latitude === null && el('small', { class: 'map-nowhere' }, t('not on the map')));
      });
      find(this, `[data-none="${kind}"]`).hidden = found.length > 0;
      say(find(this, `[data-count="${kind}"]`), String(found.length));
    }
    const features = (this.data?.layers ?? []).filter((layer) => this.#visible(layer)).flatMap((layer) => layer.features
      .filter((feature) => feature.properties.name !== '').map((feature, index) => ({ feature, layer, key: `${layer.id}-${layer.version}-${index}` })));
    const named = features.filter(({ feature, layer }) => `${feature.properties.name} ${layer.shown_name}`.toLocaleLowerCase().includes(wanted));
    keyed(find(this, '[data-list="feature"]'), named, (each) => each.key, ({ feature, layer }) => {
      const item = el('li', {}, el('button', { type: 'button', class: 'map-row' }, el('span', { class: `map-key map-${layer.colour}` }, glyph(layer.glyph)), el('span', {}, el('b', {}, feature.properties.name), el('small', {}, layer.shown_name))));
      find(item, 'button').addEventListener('click', () => this.#choose({ kind: 'feature', feature, layer }, true));
      return item;
    }, () => {});
    say(find(this, '[data-count="feature"]'), String(named.length));
    find(this, '[data-none="feature"]').hidden = named.length > 0;
  }

  /** @param {Choice | null} choice @param {boolean} [look] whether the detail takes the focus, and the map goes there */
  #choose(choice, look = false) {
    this.#chosen = choice;
    const place = this.#place();
    if (choice && look && place && this.ground && !this.ground.map.getBounds().pad(-0.1).contains(place)) this.ground.map.panTo(place);
    const box = find(this, '[data-detail]');
    const inside = box.contains(document.activeElement);
    if (choice && look && !inside) this.#from = document.activeElement;
    this.#detail();
    if (choice && look) find(box, 'h2').focus();
    else if (inside && choice === null) (this.#from instanceof HTMLElement && this.#from.checkVisibility() ? this.#from : find(this, '[data-map]')).focus({ preventScroll: true });
  }

  /** Where what is chosen lies. @returns {[number, number] | null} */
  #place() {
    const choice = this.#chosen;
    if (!choice) return null;
    if (choice.kind === 'place') return choice.at;
    if (choice.kind === 'feature') {
      const centre = L.geoJSON(/** @type {any} */ (choice.feature)).getBounds().getCenter();
      return [centre.lat, centre.lng];
    }
    const found = [...this.#all()].find((each) => each.kind === choice.kind && each.thing.id === choice.id)?.thing;
    return !found || found.latitude === null || found.longitude === null ? null : [found.latitude, found.longitude];
  }

  #detail() {
    const choice = this.#chosen;
    const box = find(this, '[data-detail]');
    box.hidden = choice === null;
    if (!choice) return void fill(box);
    const found = choice.kind !== 'feature' && choice.kind !== 'place' ? [...this.#all()].find((each) => each.kind === choice.kind && each.thing.id === choice.id) : null;
    if (found === undefined) return this.#choose(null);
    const place = this.#place();
    const title = choice.kind === 'feature' ? choice.feature.properties.name || choice.layer.shown_name : choice.kind === 'place' ? t('A place on the map') : found?.name ?? '';
    const scrolled = box.querySelector('.map-about')?.scrollTop ?? 0;
    const held = [...box.querySelectorAll(STOPS)].findIndex((stop) => stop === document.activeElement);
    const changed = fill(box,
      el('header', {}, el('h2', { tabindex: '-1' }, title), el('button', { type: 'button', class: 'button button-quiet button-icon', 'data-away': true, 'aria-label': t('Close') }, icon('close'))),
      el('div', { class: 'map-about', tabindex: '0', role: 'group', 'aria-label': title }, ...this.#about(choice, found?.thing)),
      place && this.data?.watches && el('footer', { class: 'map-acts' },
        el('button', { type: 'button', class: 'button button-primary', 'data-send': true }, icon('arrow-right', 18), t('Send a task there'))));
    if (!changed) return;
    find(box, '.map-about').scrollTop = scrolled;
    if (held >= 0) /** @type {HTMLElement} */ (box.querySelectorAll(STOPS)[held] ?? find(box, 'h2')).focus({ preventScroll: true });
    find(box, '[data-away]').addEventListener('click', () => this.#choose(null));
    box.querySelector('[data-send]')?.addEventListener('click', () => void this.#send());
  }

  /** @param {Choice} choice @param {SiteAt | PersonAt | TaskAt | ReportAt} [thing] @returns {(Node | false | null)[]} */
  #about(choice, thing) {
    if (choice.kind === 'place') return [el('p', { class: 'figures muted' }, `${round(choice.at[0])}°, ${round(choice.at[1])}°`)];
    if (choice.kind === 'feature') {
      const { note, case: number } = choice.feature.properties;
      return [el('p', { class: 'muted' }, choice.layer.shown_name), note ? el('p', {}, note) : null,
        number ? el('p', {}, el('a', { href: `/console?q=${encodeURIComponent(number)}` }, icon('document', 16), number)) : null];
    }
    if (choice.kind === 'person') {
      const person = /** @type {PersonAt} */ (thing);
      return [el('p', { class: 'muted' }, person.team), el('p', {}, t('Last seen {age}, within {n} m', { age: person.age_text, n: person.accuracy_m })),
        this.data?.watches && el('div', { class: 'map-acts' },
          person.feed !== '' && el('a', { class: 'button button-primary', href: `/console/wall?source=${person.feed}` }, icon('kind-field_feed', 18), t('Live now: put it on the wall')),
          person.phone && el('a', { class: 'button', href: `tel:${person.phone.replaceAll(/[^+\d]/g, '')}` }, icon('phone', 18), t('Call {name}', { name: person.phone })),
          el('a', { class: 'button', href: `/console/tasks/new?team=${person.team_id}/${person.id}` }, icon('arrow-right', 18), t('Send this person a task')))];
    }
    if (choice.kind === 'report') return this.#report(/** @type {ReportAt} */ (thing));
    if (choice.kind === 'task') {
      const task = /** @type {TaskAt} */ (thing);
      return [el('p', {}, el('span', { class: `badge ${task.overdue ? 'badge-danger' : 'badge-note'}` }, task.state_text), ' ', task.overdue ? el('b', {}, t('overdue')) : ''),
        el('p', { class: 'muted' }, [task.number, task.team, task.where].filter(Boolean).join(' · ')),
        this.data?.opens ? el('p', {}, el('a', { class: 'button', href: `/console/tasks/${task.id}` }, icon('document', 18), t('Open the task'))) : null];
    }
    const site = /** @type {SiteAt} */ (thing);
    return [site.address ? el('p', { class: 'muted' }, site.address) : null,
      el('ul', { class: 'map-rooms', role: 'list' }, ...site.rooms.map((room) => this.#room(room)))];
  }

  /** What was brought: words, photos and videos, and where it was sent from. @param {ReportAt} report @returns {(Node | false | null)[]} */
  #report(report) {
    return [el('p', { class: 'muted' }, [report.number, report.team, report.state_text].join(' · ')),
      el('p', {}, t('Reported by {name}, {age}', { name: report.by, age: report.age_text })),
      report.text !== '' && el('p', { class: 'map-report-text' }, report.text),
      report.files.length > 0 && el('ul', { class: 'map-files', role: 'list' }, ...report.files.map((file) => el('li', {},
        el('a', { href: `/console/files/${file.id}`, target: '_blank', rel: 'noopener', class: file.video ? 'map-film' : '', 'aria-label': file.video ? t('Video {name}', { name: file.name }) : t('Photo {name}', { name: file.name }) },
          el('img', { src: small(file.id), alt: '', loading: 'lazy' }), file.video && icon('play', 24))))),
      el('p', { class: 'small muted' }, report.latitude === null ? t('Sent without a position.')
        : report.at_task ? t('Sent without a position: shown where the task is.') : t('Sent from here, within {n} m.', { n: report.accuracy_m ?? 0 })),
      el('p', {}, el('a', { class: 'button', href: `/console/tasks/${report.id}` }, icon('document', 18), t('Open the task')))];
  }

  /** @param {RoomAt} room */
  #room(room) {
    const sitting = room.sitting;
    return el('li', { class: `map-room map-mark-${room.state}` },
      el('span', { class: 'map-room-name' }, glyph(`state-${room.state}`), el('b', {}, room.name), el('small', {}, room.state_text)),
      sitting && el('span', { class: 'muted small' }, `${sitting.title} · ${sitting.stage_text}`),
      sitting && el('span', { class: 'map-acts' },
        sitting.observable && this.data?.watches && el('a', { class: 'button button-small', href: `/console/wall?source=${sitting.id}` }, icon('eye', 16), t('Watch')),
        el('a', { class: 'button button-small', href: `/console/sittings/${sitting.id}` }, icon('enter', 16), t('Open the sitting'))));
  }

  /** The page of a new task wants WGS-84, whatever the map is drawn in. */
  async #send() {
    const place = this.#place();
    if (!place) return;
    const response = await fetch(`/console/map/place?latitude=${place[0]}&longitude=${place[1]}`, { headers: { Accept: 'application/json' } });
    if (!response.ok) return toast(t('The server does not answer. Check the network and try again.'));
    const found = await response.json();
    location.assign(`/console/tasks/new?latitude=${found.latitude}&longitude=${found.longitude}`);
  }
}

customElements.define('district-map', DistrictMap);
