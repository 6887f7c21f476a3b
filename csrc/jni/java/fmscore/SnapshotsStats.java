package fmscore;

import java.nio.ByteBuffer;

/** Counts of {@link Snapshots}. */
public final class SnapshotsStats {
  /** There now. */
  public final long requests;

  /** There now. */
  public final long bytes;

  /** Requests so far. */
  public final long kept;

  /** Requests so far. */
  public final long taken;

  /** Requests that left by age. */
  public final long expired;

  /** Requests that left by size. */
  public final long evicted;

  /** Reads an fms_snapshots_stats. */
  SnapshotsStats(ByteBuffer stats) {
    ByteBuffer counts =
        stats.duplicate().order(stats.order()).position(Layout.SnapshotsStats.COUNTS);
    requests = counts.getLong();
    bytes = counts.getLong();
    kept = counts.getLong();
    taken = counts.getLong();
    expired = counts.getLong();
    evicted = counts.getLong();
  }
}
