import fmscore.Context;
import fmscore.Model;
import fmscore.Request;
import fmscore.Slot;
import fmscore.SlotStats;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

/** Models replaced while they score; memory after many. */
final class ThreadsTest {
  private static final int THREADS = 8;

  public static void main(String[] args) throws Exception {
    Check.main(ThreadsTest.class);
  }

  private static float[] scoresOf(String file, Batch batch) {
    try (Context context = Check.contextOf(file)) {
      return batch.scores(context);
    }
  }

  /** A request's batches are all of the one model that it began with. */
  static void requestsFinishOnTheirModel() throws Exception {
    Batch batch = new Batch(1, 40, 6);
    float[] ofA = scoresOf("a.fms", batch);
    float[] ofB = scoresOf("b.fms", batch);
    Check.that(!Arrays.equals(ofA, ofB), "models differ");
    AtomicBoolean published = new AtomicBoolean();
    ExecutorService pool = Executors.newFixedThreadPool(THREADS);
    try (Slot slot = Check.slotOf("a.fms", 0)) {
      Callable<Long> server =
          () -> {
            long requests = 0;
            Batch own = new Batch(1, 40, 6);
            try (Context context = new Context(slot)) {
              boolean last;
              do {
                last = published.get();
                try (Request request = context.begin(own.user)) {
                  float[] expected = request.info().name.equals("a") ? ofA : ofB;
                  for (int i = 0; i < 3; ++i) Check.same(expected, own.scores(request));
                }
                ++requests;
              } while (!last);
            }
            return requests;
          };
      List<Future<Long>> servers = new ArrayList<>();
      for (int i = 0; i < THREADS; ++i) servers.add(pool.submit(server));
      try {
        for (int i = 0; i < 200; ++i) Check.publish(slot, i % 2 == 0 ? "b.fms" : "a.fms");
      } finally {
        published.set(true);
      }
      long requests = 0;
      for (Future<Long> one : servers) requests += one.get();
      Check.equal(0L, slot.reclaim());
      SlotStats stats = slot.stats();
      Check.equal(201L, stats.published);
      Check.equal(requests, stats.requests);
      Check.equal(requests * 120, stats.scored);
    } finally {
      pool.shutdown();
    }
  }

  /** Uses what another thread closes, until it says that it is closed. */
  private static void useUntilClosed(Check.Body use) throws Exception {
    for (; ; ) {
      try {
        use.run();
      } catch (IllegalStateException e) {
        if (e.getMessage().endsWith(" is closed")) return;
        Check.equal("two threads use the context at once: make one for each", e.getMessage());
      }
    }
  }

  private static void closeInUse(AutoCloseable used, List<Check.Body> uses) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(uses.size());
    List<Future<?>> users = new ArrayList<>();
    CountDownLatch begun = new CountDownLatch(uses.size());
    for (Check.Body use : uses) {
      Callable<Void> user =
          () -> {
            begun.countDown();
            useUntilClosed(use);
            return null;
          };
      users.add(pool.submit(user));
    }
    begun.await();
    for (boolean closed = false; !closed; ) {
      try {
        used.close();
        closed = true;
      } catch (IllegalStateException e) {
        // A context in use; again.
      }
    }
    for (Future<?> user : users) user.get();
    pool.shutdown();
  }

  static void whatIsClosedInUseSaysSo() throws Exception {
    for (int round = 0; round < 50; ++round) {
      Slot slot = Check.slotOf("a.fms", 0);
      Model model = slot.model();
      Context context = new Context(slot);
      Check.Body score = () -> context.scoreText("1 f1");
      closeInUse(context, List.of(score, score));
      closeInUse(model, List.of(model::info, model::verify, () -> slot.publish(model)));
      closeInUse(slot, List.of(slot::stats, slot::reclaim, () -> new Context(slot).close()));
    }
  }

  private static long residentKib() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS:")) return Long.parseLong(line.replaceAll("\\D", ""));
    }
    throw new AssertionError("no VmRSS");
  }

  /** A copy of each of 900 models would be 900 times the file's size. */
  static void memoryStaysAtItsLevel() throws Exception {
    Batch batch = new Batch(2, 8, 6);
    long fileKib = Files.size(Check.data("big.fms")) / 1024;
    Check.that(fileKib > 1000, "the file is large enough to be seen");
    try (Slot slot = Check.slotOf("big.fms", 1 << 20);
        Context context = new Context(slot)) {
      long level = 0;
      for (int i = 1; i <= 1000; ++i) {
        try (Model model = Model.open(Check.data("big.fms"), new Model.Options().copy())) {
          slot.publish(model);
        }
        batch.scores(context);
        if (i == 100) level = residentKib();
      }
      long more = residentKib() - level;
      Check.that(more < 50 * fileKib, more + " KiB more than after 100 models");
      Check.equal(0L, slot.stats().retired);
    }
  }

  private static long mapped(String file) throws Exception {
    return Files.lines(Path.of("/proc/self/maps")).filter((line) -> line.endsWith(file)).count();
  }

  /** Contexts with a request, and the slots and models behind them. */
  private static void forget(int contexts) {
    Batch batch = new Batch(3, 8, 6);
    for (int i = 0; i < contexts; ++i) {
      Context context = Check.contextOf("b.fms");
      System.gc(); // the slot stays for its context
      batch.scores(context.begin(batch.user));
    }
  }

  /** What nobody closed is freed once it is garbage. */
  static void whatIsForgottenIsFreed() throws Exception {
    long before = mapped("b.fms");
    forget(20);
    Check.that(mapped("b.fms") > before, "models are mapped");
    long patience = System.nanoTime() + 60_000_000_000L;
    while (mapped("b.fms") > 0 && System.nanoTime() < patience) {
      System.gc();
      Thread.sleep(10);
    }
    Check.equal(0L, mapped("b.fms"));
  }
}
