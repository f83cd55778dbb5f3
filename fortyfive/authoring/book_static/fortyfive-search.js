// Lets the search page work from file://, where a browser refuses to fetch the pages that hold the excerpts.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
