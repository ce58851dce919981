"""Whether a changed spec still fits what is out there: rules, witnesses for each finding, and traffic for the rest."""
