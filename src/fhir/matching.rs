//! What the EMR does not look for itself: modifiers, missing elements, sorting, over records that were read.
