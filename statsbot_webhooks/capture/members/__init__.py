"""Member events: members who join, leave, or are kicked or banned, alone or in crowds. No layout."""
