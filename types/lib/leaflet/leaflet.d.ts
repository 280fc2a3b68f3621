// Leaflet as pages load it: served under /static/<build>/lib/leaflet/leaflet.js, typed by @types/leaflet.
export * from 'leaflet';
