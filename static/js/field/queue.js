// What was done on the phone and is not with the server yet, in order, and the tasks as they were last: in IndexedDB, so that neither a
// closed page nor an empty battery loses it.

/**
 * @typedef {object} Chosen a photo or video of a report
 * @property {string} key
 * @property {string} name
 * @property {Blob} blob
 */

/**
 * @typedef {object} Fix
 * @property {number} latitude
 * @property {number} longitude
 * @property {number} accuracy_m
 */

/**
 * @typedef {object} Entry
 * @property {number} [id] its place in the queue
 * @property {string} user whose act it is: nobody else's session sends it
 * @property {string} task
 * @property {string} act
 * @property {string} key by which the server knows it again
 * @property {string} text
 * @property {number} done_at_ms
 * @property {Fix | null} position
 * @property {Chosen[]} files
 * @property {string} refused why the server does not take it; "" while it waits
 */

const NAME = 'field';
const QUEUE = 'queue';
const KEPT = 'kept';

/** @type {Promise<IDBDatabase> | null} */
let opened = null;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(QUEUE, { keyPath: 'id', autoIncrement: true });
      request.result.createObjectStore(KEPT);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

/**
 * @template T
 * @param {string} store
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function within(store, mode, work) {
  const transaction = (await database()).transaction(store, mode);
  const request = work(transaction.objectStore(store));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

/** @param {Entry} entry */
export async function add(entry) {
  await within(QUEUE, 'readwrite', (store) => store.add(entry));
}

/** In the order in which they were done. @returns {Promise<Entry[]>} */
export function entries() {
  return within(QUEUE, 'readonly', (store) => /** @type {IDBRequest<Entry[]>} */ (store.getAll()));
}

/** @param {Entry} entry */
export async function change(entry) {
  await within(QUEUE, 'readwrite', (store) => store.put(entry));
}

/** @param {Entry} entry */
export async function remove(entry) {
  const id = entry.id;
  if (id !== undefined) await within(QUEUE, 'readwrite', (store) => store.delete(id));
}

/** @param {unknown} state */
export async function keepState(state) {
  await within(KEPT, 'readwrite', (store) => store.put(state, 'state'));
}

/** @returns {Promise<any>} */
export function keptState() {
  return within(KEPT, 'readonly', (store) => store.get('state'));
}

/** Nothing of anybody's tasks stays on the phone. */
export async function forget() {
  await within(KEPT, 'readwrite', (store) => store.clear());
  await within(QUEUE, 'readwrite', (store) => store.clear());
}
