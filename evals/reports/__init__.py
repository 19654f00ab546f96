"""A run as files for people and programs: results.json, junit.xml, summary.md, report.html."""
