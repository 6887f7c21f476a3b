package fmscore;

/** A shown item's sample: the features that were scored, the user's first. */
public final class Snapshot {
  public final long itemId;
  public final float label;
  public final long[] ids;

  /** One for each id. */
  public final float[] x;

  Snapshot(long itemId, float label, long[] ids, float[] x) {
    this.itemId = itemId;
    this.label = label;
    this.ids = ids;
    this.x = x;
  }
}
