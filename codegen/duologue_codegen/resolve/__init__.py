"""From the shape of a spec to its meaning: references, names, defaults, collisions. Collects every problem it finds."""
