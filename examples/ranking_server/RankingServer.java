import fmscore.Buffers;
import fmscore.Context;
import fmscore.Fmscore;
import fmscore.IdRows;
import fmscore.Model;
import fmscore.Request;
import fmscore.Scores;
import fmscore.Slot;
import fmscore.SlotStats;
import fmscore.Watcher;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A ranking server in small: N threads rank candidates for users within a deadline, while a watcher
 * replaces the model by whatever appears in a directory. Users and candidates come from a file of
 * samples in place of a network. See README.md.
 */
public final class RankingServer {
  private static final String USAGE =
      "usage: RankingServer MODELS SAMPLES [--seconds S] [--requests N] [--swaps N]\n"
          + "         [--threads N] [--candidates N] [--deadline-ms MS] [--user-features N]\n"
          + "         [--item-cache-mb MB]\n"
          + "MODELS: a directory, whose newest *.fms is served. SAMPLES: lines"
          + " \"label name[:value] ...\";\n"
          + "the first names of a line are a user, the others an item. Ends after so many\n"
          + "seconds, requests or swaps (0: any number of these two), and prints what it did.";

  private static final class UsageException extends Exception {
    private static final long serialVersionUID = 1;

    UsageException(String message) {
      super(message);
    }
  }

  /** The command line. */
  private static final class Options {
    final Path models;
    final Path samples;
    private final Map<String, Double> numbers = new TreeMap<>();

    Options(String[] words) throws UsageException {
      numbers.put("--seconds", 10.0);
      numbers.put("--requests", 0.0);
      numbers.put("--swaps", 0.0);
      numbers.put("--threads", 2.0);
      numbers.put("--candidates", 500.0);
      numbers.put("--deadline-ms", 100.0);
      numbers.put("--user-features", 20.0);
      numbers.put("--item-cache-mb", 64.0);
      List<String> paths = new ArrayList<>();
      for (int i = 0; i < words.length; ++i) {
        if (!words[i].startsWith("--")) {
          paths.add(words[i]);
          continue;
        }
        String flag = words[i++];
        if (!numbers.containsKey(flag)) throw new UsageException("no such option: " + flag);
        numbers.put(flag, number(flag, i < words.length ? words[i] : ""));
      }
      if (paths.size() != 2) throw new UsageException("MODELS and SAMPLES are needed");
      for (String flag : List.of("--threads", "--candidates")) {
        if (of(flag) < 1) throw new UsageException(flag + ": at least 1 is needed");
      }
      models = Path.of(paths.get(0));
      samples = Path.of(paths.get(1));
    }

    private static double number(String flag, String text) throws UsageException {
      double value = -1;
      try {
        value = Double.parseDouble(text);
      } catch (NumberFormatException e) {
        // Told below.
      }
      if (value >= 0 && value <= 1e9) return value;
      throw new UsageException(flag + ": '" + text + "' is no number from 0 to 1e9");
    }

    double of(String flag) {
      return numbers.get(flag);
    }

    int count(String flag) {
      return numbers.get(flag).intValue();
    }
  }

  /** Feature ids and values of a user or an item. */
  private static final class Features {
    long[] ids = new long[0];
    float[] x = new float[0];

    void add(long id, float value) {
      ids = Arrays.copyOf(ids, ids.length + 1);
      x = Arrays.copyOf(x, ids.length);
      ids[ids.length - 1] = id;
      x[ids.length - 1] = value;
    }
  }

  /** A thread's own: what the library reads and writes lies in buffers that are made once. */
  private final class Worker implements AutoCloseable {
    private final Context context = new Context(slot, new Context.Options().predictions());
    private final int candidates = options.count("--candidates");
    private final LongBuffer rowPtr = Buffers.longs(candidates + 1);
    private final LongBuffer ids = Buffers.longs(candidates * longestItem);
    private final FloatBuffer x = Buffers.floats(candidates * longestItem);
    private final LongBuffer itemIds = Buffers.longs(candidates);
    private final IdRows rows = new IdRows(rowPtr, ids, x).itemIds(itemIds);
    private final Scores scores = new Scores(candidates);
    private final SplittableRandom draw;

    Worker(int seed) {
      draw = new SplittableRandom(seed);
    }

    /** Nanoseconds that requests took. */
    long[] work() {
      long budget = (long) (options.of("--deadline-ms") * 1e6);
      long[] taken = new long[1 << 16];
      int count = 0;
      while (mayBegin()) {
        long start = Fmscore.nowNanos();
        Features user = users.get(draw.nextInt(users.size()));
        recall();
        try (Request request = context.begin(IdRows.one(user.ids, user.x))) {
          int done = request.score(rows, start + budget, scores);
          best(done);
        }
        if (count == taken.length) taken = Arrays.copyOf(taken, 2 * count);
        taken[count++] = Fmscore.nowNanos() - start;
      }
      return Arrays.copyOf(taken, count);
    }

    private void recall() {
      ids.clear();
      x.clear();
      for (int i = 0; i < candidates; ++i) {
        int number = draw.nextInt(items.size());
        Features item = items.get(number);
        ids.put(item.ids);
        x.put(item.x);
        itemIds.put(i, number);
        rowPtr.put(i + 1, ids.position());
      }
      ids.flip();
      x.flip();
    }

    /** Items behind the deadline were the recall's last: they are left out. */
    private int best(int done) {
      int best = 0;
      for (int i = 1; i < done; ++i) {
        if (scores.value(i) > scores.value(best)) best = i;
      }
      return best;
    }

    @Override
    public void close() {
      context.close();
    }
  }

  private final Options options;
  private final Slot slot;
  private final AtomicLong begun = new AtomicLong();
  private final AtomicLong publications = new AtomicLong();
  private final List<Features> users = new ArrayList<>();
  private final List<Features> items = new ArrayList<>();
  private int longestItem;
  private long end;
  private volatile boolean stop;

  private RankingServer(Options options, Slot slot) {
    this.options = options;
    this.slot = slot;
  }

  private boolean mayBegin() {
    if (stop || Fmscore.nowNanos() >= end) return false;
    int most = options.count("--requests");
    return most == 0 || begun.getAndIncrement() < most;
  }

  private void published(Path path) {
    System.err.println("served: " + path);
    int most = options.count("--swaps");
    if (most > 0 && publications.getAndIncrement() == most) stop = true;
  }

  private void readSamples(int hashSeed) throws IOException {
    int userFeatures = options.count("--user-features");
    try (BufferedReader file = Files.newBufferedReader(options.samples)) {
      for (String line = file.readLine(); line != null; line = file.readLine()) {
        if (line.isEmpty() || line.startsWith("#")) continue;
        Features user = new Features();
        Features item = new Features();
        String[] words = line.split(" +");
        for (int i = 1; i < words.length && !words[i].startsWith("#"); ++i) {
          int colon = words[i].lastIndexOf(':');
          String name = colon < 0 ? words[i] : words[i].substring(0, colon);
          float value = colon < 0 ? 1 : Float.parseFloat(words[i].substring(colon + 1));
          (i <= userFeatures ? user : item).add(Fmscore.hash(name, hashSeed), value);
        }
        if (item.ids.length == 0) continue;
        users.add(user);
        items.add(item);
        longestItem = Math.max(longestItem, item.ids.length);
      }
    }
    if (items.isEmpty()) {
      throw new IOException(options.samples + ": no line has a feature for an item");
    }
  }

  private long[] workAll() throws InterruptedException {
    int threads = options.count("--threads");
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    List<Future<long[]>> workers = new ArrayList<>();
    for (int t = 0; t < threads; ++t) {
      int seed = t;
      workers.add(
          pool.submit(
              () -> {
                try (Worker worker = new Worker(seed)) {
                  return worker.work();
                }
              }));
    }
    pool.shutdown();
    List<long[]> taken = new ArrayList<>();
    for (Future<long[]> worker : workers) {
      try {
        taken.add(worker.get());
      } catch (ExecutionException e) {
        throw new IllegalStateException(e.getCause().getMessage(), e);
      }
    }
    return taken.stream().flatMapToLong(Arrays::stream).sorted().toArray();
  }

  private void report(long[] taken, double seconds) {
    SlotStats stats = slot.stats();
    print("requests %d", taken.length);
    print("requests_per_s %.3f", taken.length / seconds);
    print("p50_ms %.3f", percentile(taken, 0.5));
    print("p99_ms %.3f", percentile(taken, 0.99));
    print("p99.9_ms %.3f", percentile(taken, 0.999));
    print("scored_items %d", stats.scored);
    print("cut_off_items %d", stats.cutOff);
    print("cache_hits %d", stats.cacheHits);
    print("swaps %d", stats.published - 1);
    try (Model model = slot.model()) {
      print("model %s %s", model.info().name, model.info().version);
    }
  }

  private static double percentile(long[] taken, double share) {
    if (taken.length == 0) return 0;
    return taken[(int) (share * (taken.length - 1) + 0.5)] * 1e-6;
  }

  private static void print(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }

  private void run() throws IOException, InterruptedException {
    Watcher.Options watching =
        new Watcher.Options()
            .interval(Duration.ofMillis(100))
            .copy()
            .onPublish(this::published)
            .onError((path, reason) -> System.err.println("not served: " + reason));
    try (Watcher watcher = new Watcher(slot, options.models, watching)) {
      if (!watcher.check()) {
        String reason = watcher.lastError();
        throw new IOException(reason.isEmpty() ? options.models + ": has no *.fms" : reason);
      }
      try (Model model = slot.model()) {
        readSamples(model.info().hashSeed);
      }
      watcher.start();
      long start = Fmscore.nowNanos();
      end = start + (long) (options.of("--seconds") * 1e9);
      long[] taken = workAll();
      report(taken, (Fmscore.nowNanos() - start) * 1e-9);
    }
  }

  public static void main(String[] words) {
    try {
      Options options = new Options(words);
      try (Slot slot = new Slot((long) options.count("--item-cache-mb") << 20)) {
        new RankingServer(options, slot).run();
      }
    } catch (UsageException e) {
      System.err.println("RankingServer: " + e.getMessage() + "\n" + USAGE);
      System.exit(2);
    } catch (IOException | InterruptedException | RuntimeException e) {
      System.err.println("RankingServer: " + e.getMessage());
      System.exit(1);
    }
  }
}
