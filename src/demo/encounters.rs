//! The visits that took place, as the chart documents them: those of the calendar that were checked out.

use time::Duration;
use time::PrimitiveDateTime;

use crate::demo::book::Book;
use crate::demo::book::Row;
use crate::demo::calendar::working_day;
use crate::demo::practice::ANNEX;
use crate::demo::practice::MAIN;
use crate::demo::staff::FISCHER;
use crate::demo::visits::VISITS;

/// The first of the numbers these encounters took from `sequences`, above those that documents are about.
const FIRST: i64 = 401;

/// The marks of a visit that is over (OpenEMR facts 1.7).
const OVER: [&str; 2] = [">", "$"];

/// One row for each visit that is over.
pub(super) fn write(book: &mut Book<'_>) {
    let today = book.today();
    let over = VISITS.iter().filter(|visit| OVER.contains(&visit.mark));
    for (number, visit) in (FIRST..).zip(over) {
        let day = working_day(visit.provider, today, visit.day);
        let (category, _, seconds) = visit.kind.category();
        // The first was taken over from the system before, which did not say what sort of visit it was.
        let category = if number == FIRST { 0 } else { category };
        let start = PrimitiveDateTime::new(day, visit.start);
        let end = start + Duration::seconds(seconds);
        let (facility, name) = match visit.provider {
            FISCHER => (ANNEX, "Harbor Street Family Medicine at Rockport"),
            _ => (MAIN, "Harbor Street Family Medicine"),
        };
        let row = Row::of("form_encounter")
            .numbers([
                ("id", number),
                ("encounter", number),
                ("pid", visit.pid),
                ("provider_id", visit.provider),
                ("facility_id", facility),
                ("billing_facility", MAIN),
                ("pc_catid", category),
            ])
            .texts([
                ("reason", visit.reason),
                ("facility", name),
                ("sensitivity", "normal"),
                ("class_code", "AMB"),
            ])
            .set("date", start)
            .newer("discharge_disposition", "home")
            .newer("date_end", end)
            .newer("last_update", end);
        book.add_known(row, ("id", number));
    }
}
