package fmscore;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;

/**
 * One user's request: {@link Context#begin} to {@link #close}. All that it scores is scored by the
 * model that was the current one when it began.
 */
public final class Request implements AutoCloseable {
  private static final int USUAL_TERMS = 256;

  private final Context context;

  Request(Context context) {
    this.context = context;
  }

  /**
   * Scores items in their order, 8 at a time, and looks at the clock before each 8. One native
   * call; nothing is allocated on the heap.
   *
   * @param deadlineNanos on the clock of {@link Fmscore#nowNanos}, or {@link Fmscore#NO_DEADLINE}
   * @return how many items were done; the others are behind the deadline, {@link Scores#NOT_SCORED}
   * @throws IllegalArgumentException buffers do not fit each other, or scores are too short
   * @throws IllegalStateException the request or its context is closed, or another thread uses it
   * @throws FmscoreException EINVAL: items are given otherwise than the user; ENOMEM
   */
  public int score(Rows items, long deadlineNanos, Scores scores) {
    long address = context.enter(this);
    try {
      int rows = items.rows();
      scores.need(rows);
      return Native.score(
          address,
          items.prepare(rows),
          deadlineNanos,
          scores.valuesAddress(),
          scores.statusesAddress());
    } finally {
      Reference.reachabilityFence(items);
      Reference.reachabilityFence(scores);
      context.leave(this);
    }
  }

  /** Why the user with this one item scores as it does. Not for the usual request: it allocates. */
  public Explanation explain(Rows item) {
    DoubleBuffer sums = Buffers.doubles(2);
    long address = context.enter(this);
    try {
      long row = item.prepare(Context.oneRow("item", item));
      int capacity = USUAL_TERMS;
      for (; ; ) {
        ByteBuffer terms = Buffers.bytes(Math.multiplyExact(capacity, Layout.Term.BYTES));
        long to = Native.addressOf(terms);
        int count =
            Math.toIntExact(Native.explain(address, row, to, capacity, Native.addressOf(sums)));
        if (count <= capacity) return new Explanation(terms, count, sums.get(0), sums.get(1));
        capacity = count;
      }
    } finally {
      Reference.reachabilityFence(item);
      context.leave(this);
    }
  }

  /** What the model is that the request holds. */
  public ModelInfo info() {
    ByteBuffer struct = Memory.struct(Layout.Info.BYTES);
    long address = context.enter(this);
    try {
      Native.requestInfo(address, Native.addressOf(struct));
      return new ModelInfo(struct);
    } finally {
      context.leave(this);
    }
  }

  /** For {@link Snapshots}. */
  void keep(long snapshots, long id, long idBytes) {
    long address = context.enter(this);
    try {
      Native.snapshotsKeep(snapshots, address, id, idBytes);
    } finally {
      context.leave(this);
    }
  }

  /** Lets go of the model; once. */
  @Override
  public void close() {
    context.end(this);
  }
}
