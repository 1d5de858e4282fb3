"""Who is under-margined, and what a liquidator does about it; pure, so that it replays."""
