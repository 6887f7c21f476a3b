package fmscore;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/**
 * Where a batch's scores go: a float and a status for each item, written from the buffers'
 * positions on. Of one thread at a time.
 */
public final class Scores {
  /** The item has its score. */
  public static final byte OK = 0;

  /** Behind the deadline: its score is not written. */
  public static final byte NOT_SCORED = 1;

  /** An x or the score is not finite: the score is the model's prior. */
  public static final byte NONFINITE = 2;

  /** A raw row that cannot be encoded ({@link Fmscore#lastError}): the score is the prior. */
  public static final byte BAD = 3;

  private final Block<FloatBuffer> values;
  private final Block<ByteBuffer> statuses;

  /** Buffers of its own, for up to so many items. */
  public Scores(int capacity) {
    this(Buffers.floats(capacity), Buffers.bytes(capacity));
  }

  /**
   * The host's buffers.
   *
   * @param statuses null: not wanted
   */
  public Scores(FloatBuffer values, ByteBuffer statuses) {
    this.values = Block.of("scores", values).writable();
    this.statuses = Block.ofNullable("statuses", statuses);
    if (statuses != null) this.statuses.writable();
  }

  /** The score of the batch's item i. */
  public float value(int i) {
    return values.buffer.get(values.buffer.position() + i);
  }

  /**
   * {@link #OK} or why the batch's item i has no score of its own.
   *
   * @throws IllegalStateException statuses were not wanted
   */
  public byte status(int i) {
    if (statuses == null) throw new IllegalStateException("these scores have no statuses");
    return statuses.buffer.get(statuses.buffer.position() + i);
  }

  /** The scores; the buffer itself. */
  public FloatBuffer values() {
    return values.buffer;
  }

  /** The statuses; the buffer itself, or null. */
  public ByteBuffer statuses() {
    return statuses == null ? null : statuses.buffer;
  }

  void need(int rows) {
    Block.needRows(values, rows);
    Block.needRows(statuses, rows);
  }

  long valuesAddress() {
    return values.address();
  }

  long statusesAddress() {
    return Block.addressOf(statuses);
  }
}
