import fmscore.Buffers;
import fmscore.Context;
import fmscore.Fmscore;
import fmscore.IdRows;
import fmscore.Model;
import fmscore.Request;
import fmscore.Scores;
import fmscore.Slot;
import fmscore.SlotStats;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The scoring of a ranking server, under load: each thread scores 500 candidates a request, within
 * 100 ms, while models are replaced. Prints what requests took.
 *
 * <pre>java -cp fmscore-VERSION.jar RankingServer.java MODEL.fms [THREADS [REQUESTS]]</pre>
 */
public final class RankingServer {
  private static final int CANDIDATES = 500;
  private static final int ITEM_FEATURES = 60;
  private static final int USER_FEATURES = 100;
  private static final int CATALOGUE = 10_000; // items
  private static final long DEADLINE_NS = 100_000_000;
  private static final long SWAP_MS = 50;

  private final Slot slot = new Slot(64 << 20); // with an item cache
  private final long[] tokens = new long[100_000];
  private final long[][] catalogue = new long[CATALOGUE][ITEM_FEATURES];

  private RankingServer(Path model) {
    int seed = publish(model);
    // Names as `fmtrain synth` makes them, hashed once.
    for (int i = 0; i < tokens.length; ++i) {
      tokens[i] = Fmscore.hash(String.format("f%02d_%d", i % 40, i / 40), seed);
    }
    Random draw = new Random(0);
    for (long[] item : catalogue) Arrays.setAll(item, (i) -> tokens[draw.nextInt(tokens.length)]);
  }

  private int publish(Path path) {
    try (Model model = Model.open(path)) {
      slot.publish(model);
      return model.info().hashSeed;
    }
  }

  /** One thread of the server: its context, its buffers, its requests. */
  private final class Worker extends Thread {
    private final Random draw;
    private final long[] nanos;
    private final LongBuffer userIds = Buffers.longs(USER_FEATURES);
    private final LongBuffer rowPtr = Buffers.longs(CANDIDATES + 1);
    private final LongBuffer ids = Buffers.longs(CANDIDATES * ITEM_FEATURES);
    private final LongBuffer itemIds = Buffers.longs(CANDIDATES);
    private final IdRows user = IdRows.one(userIds, null);
    private final IdRows items = new IdRows(rowPtr, ids, null).itemIds(itemIds);
    private final Scores scores = new Scores(CANDIDATES);
    private int late;

    Worker(int number, int requests) {
      draw = new Random(number);
      nanos = new long[requests];
      for (int i = 0; i <= CANDIDATES; ++i) rowPtr.put(i, (long) i * ITEM_FEATURES);
    }

    /** What retrieval does: a user and the candidates for them, the most likely first. */
    private void retrieve() {
      for (int i = 0; i < USER_FEATURES; ++i) {
        userIds.put(i, tokens[draw.nextInt(tokens.length)]);
      }
      ids.clear();
      for (int i = 0; i < CANDIDATES; ++i) {
        int item = draw.nextInt(CATALOGUE);
        itemIds.put(i, item);
        ids.put(catalogue[item]);
      }
      ids.flip();
    }

    @Override
    public void run() {
      try (Context context = new Context(slot)) {
        for (int i = 0; i < nanos.length; ++i) {
          retrieve();
          long begun = Fmscore.nowNanos();
          try (Request request = context.begin(user)) {
            if (request.score(items, begun + DEADLINE_NS, scores) < CANDIDATES) ++late;
          }
          nanos[i] = Fmscore.nowNanos() - begun;
        }
      }
    }
  }

  /** Until all workers are done: what a Watcher does every half hour, every 50 ms. */
  private void swapWhile(Worker[] workers, Path model) throws InterruptedException {
    for (Worker worker : workers) {
      while (worker.isAlive()) {
        publish(model);
        worker.join(SWAP_MS);
      }
    }
  }

  private void report(Worker[] workers) {
    long[] all = Stream.of(workers).flatMapToLong((w) -> LongStream.of(w.nanos)).sorted().toArray();
    int late = Stream.of(workers).mapToInt((worker) -> worker.late).sum();
    SlotStats stats = slot.stats();
    System.out.printf(
        "%d requests of %d candidates by %d threads, %d models published%n",
        all.length, CANDIDATES, workers.length, stats.published);
    System.out.printf(
        "p50 %.0f us, p99 %.0f us, p99.9 %.0f us, %d beyond the deadline%n",
        at(all, .5), at(all, .99), at(all, .999), late);
    System.out.printf(
        "items: %d scored, %d of them from the item cache%n", stats.scored, stats.cacheHits);
  }

  /** A quantile in us. */
  private static double at(long[] sorted, double share) {
    return sorted[(int) (share * (sorted.length - 1))] / 1e3;
  }

  public static void main(String[] args) throws InterruptedException {
    if (args.length == 0) {
      System.err.println("usage: RankingServer MODEL.fms [THREADS [REQUESTS]]");
      System.exit(2);
    }
    Path model = Path.of(args[0]);
    int threads = args.length > 1 ? Integer.parseInt(args[1]) : 2;
    int requests = args.length > 2 ? Integer.parseInt(args[2]) : 5000;
    RankingServer server = new RankingServer(model);
    Worker[] workers = new Worker[threads];
    for (int i = 0; i < threads; ++i) workers[i] = server.new Worker(i, requests);
    for (Worker worker : workers) worker.start();
    server.swapWhile(workers, model);
    server.report(workers);
    server.slot.close();
  }
}
