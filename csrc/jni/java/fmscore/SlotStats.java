package fmscore;

import java.nio.ByteBuffer;

/** Counts of a slot: sums over all its contexts. */
public final class SlotStats {
  /** Begun. */
  public final long requests;

  /** Items with a score of their own. */
  public final long scored;

  /** Items behind a deadline. */
  public final long cutOff;

  /** Items with {@link Scores#NONFINITE}. */
  public final long nonfinite;

  /** Items with {@link Scores#BAD}. */
  public final long badRows;

  /** Looked up. */
  public final long features;

  /** Of them, without a row: never seen, or pruned as zero. */
  public final long unknownFeatures;

  /** Items. */
  public final long cacheHits;

  /** Items. */
  public final long cacheMisses;

  /** Models so far. */
  public final long published;

  /** Replaced models that a request still holds. */
  public final long retired;

  /** Reads an fms_stats. */
  SlotStats(ByteBuffer stats) {
    ByteBuffer counts = stats.duplicate().order(stats.order()).position(Layout.Stats.COUNTS);
    requests = counts.getLong();
    scored = counts.getLong();
    cutOff = counts.getLong();
    nonfinite = counts.getLong();
    badRows = counts.getLong();
    features = counts.getLong();
    unknownFeatures = counts.getLong();
    cacheHits = counts.getLong();
    cacheMisses = counts.getLong();
    published = counts.getLong();
    retired = counts.getLong();
  }
}
