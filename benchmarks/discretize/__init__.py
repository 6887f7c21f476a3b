"""Raw columns to ids: each `*_peer` has `Peer(plan)` with `encode(rows)`."""
