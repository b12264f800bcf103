"""When a write may go to Placement, and how often: what makes concurrent writes safe."""
