//! Floor 3: offers and answers (RFC 9429). No clock, no bytes: descriptions in, decisions out.
