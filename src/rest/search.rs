//! Search: the page, what is included with it, and the links between pages.
