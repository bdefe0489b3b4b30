// Reads iCalendar objects with ical.js (Thunderbird's parser): JSON texts on stdin, the entries of each on stdout.
import { readFileSync } from "node:fs";
import ICAL from "ical.js";

function entry(component) {
  const event = new ICAL.Event(component, { strictExceptions: true });
  const attendee = event.attendees[0];
  const parameter = (name) => attendee?.getParameter(name) ?? null;
  return {
    uid: event.uid,
    sequence: event.sequence,
    status: component.getFirstPropertyValue("status"),
    transparency: component.getFirstPropertyValue("transp"),
    participation: parameter("partstat"),
    reply: parameter("rsvp"),
    summary: event.summary,
    location: event.location,
    organizer: event.organizer,
    starts_at: event.startDate.toICALString(),
  };
}

const calendars = JSON.parse(readFileSync(0, "utf8")).map((text) => {
  const calendar = new ICAL.Component(ICAL.parse(text));
  return calendar.getAllSubcomponents("vevent").map(entry);
});
console.log(JSON.stringify(calendars));
