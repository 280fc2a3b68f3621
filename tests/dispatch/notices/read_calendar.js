/** What ical.js understands of the calendar on standard input, as JSON: none of its times are read by the zones of this machine. */
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

const calendar = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
const zones = new Map(
  calendar.getAllSubcomponents("vtimezone").map((part) => [part.getFirstPropertyValue("tzid"), new ICAL.Timezone(part)]),
);

/** @param {ICAL.Component} part @param {string} name */
function moment(part, name) {
  const property = part.getFirstProperty(name);
  if (property === null) return null;
  const time = /** @type {ICAL.Time} */ (property.getFirstValue());
  const zone = zones.get(/** @type {string} */ (property.getParameter("tzid")));
  if (zone !== undefined) time.zone = zone;
  return { utc: time.convertToZone(ICAL.Timezone.utcTimezone).toString(), local: time.toString(), zone: zone?.tzid ?? time.zone.tzid };
}

/** @param {ICAL.Property} property */
const person = (property) => ({
  address: property.getFirstValue(),
  name: property.getParameter("cn") ?? "",
  role: property.getParameter("role") ?? "",
  status: property.getParameter("partstat") ?? "",
});

const events = calendar.getAllSubcomponents("vevent").map((part) => ({
  uid: part.getFirstPropertyValue("uid"),
  sequence: part.getFirstPropertyValue("sequence"),
  status: part.getFirstPropertyValue("status"),
  summary: part.getFirstPropertyValue("summary"),
  location: part.getFirstPropertyValue("location"),
  description: part.getFirstPropertyValue("description"),
  url: part.getFirstPropertyValue("url"),
  stamp: moment(part, "dtstamp"),
  start: moment(part, "dtstart"),
  end: moment(part, "dtend"),
  organizer: part.getAllProperties("organizer").map(person),
  attendees: part.getAllProperties("attendee").map(person),
  alarms: part.getAllSubcomponents("valarm").map((alarm) => String(alarm.getFirstPropertyValue("trigger"))),
}));
console.log(JSON.stringify({ method: calendar.getFirstPropertyValue("method"), zones: [...zones.keys()], events }));
