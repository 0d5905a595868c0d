//! `_summary` and `_elements`: a resource with some of its elements, tagged as such (R4 search, 3.1.1.5.9).
