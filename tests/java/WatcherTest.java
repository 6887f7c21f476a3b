import fmscore.Model;
import fmscore.Slot;
import fmscore.Watcher;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What a watcher publishes, and what it does not. */
final class WatcherTest {
  public static void main(String[] args) throws Exception {
    Check.main(WatcherTest.class);
  }

  /** A folder with a slot that is watched. */
  private static final class Place implements AutoCloseable {
    final Path folder;
    final Slot slot = new Slot();
    final List<String> events = new ArrayList<>();
    final Watcher watcher;

    Place(String watched) throws IOException {
      folder = Files.createTempDirectory("fmscore-test");
      Watcher.Options options =
          new Watcher.Options()
              .onPublish((path) -> events.add("+" + path.getFileName()))
              .onError((path, reason) -> events.add("-" + path.getFileName()));
      watcher = new Watcher(slot, folder.resolve(watched), options);
    }

    /** Puts a file there, by a rename, changed so many seconds after 2001. */
    void put(String name, String model, long second) throws IOException {
      put(name, Files.readAllBytes(Check.data(model)), second);
    }

    void put(String name, byte[] content, long second) throws IOException {
      Path fresh = folder.resolve(".new");
      Files.write(fresh, content);
      Files.setLastModifiedTime(fresh, FileTime.fromMillis((1_000_000_000 + second) * 1000));
      Files.move(fresh, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    }

    void text(String name, String content, long second) throws IOException {
      put(name, content.getBytes(StandardCharsets.UTF_8), second);
    }

    String serves() {
      try (Model model = slot.model()) {
        return model.info().name;
      }
    }

    /** One check; what happened. */
    List<String> check() {
      events.clear();
      boolean published = watcher.check();
      Check.equal(published, events.stream().anyMatch((event) -> event.startsWith("+")));
      return List.copyOf(events);
    }

    @Override
    public void close() throws IOException {
      watcher.close();
      slot.close();
      try (var files = Files.list(folder)) {
        for (Path path : (Iterable<Path>) files::iterator) Files.delete(path);
      }
      Files.delete(folder);
    }
  }

  private static String md5(String model) throws IOException {
    return Files.readString(Check.data(model.replace(".fms", ".md5"))).trim();
  }

  static void theNewestIsServed() throws Exception {
    try (Place place = new Place("")) {
      Check.equal(List.of(), place.check());
      Check.equal("", place.watcher.lastError());
      place.put("1.fms", "a.fms", 10);
      Check.equal(List.of("+1.fms"), place.check());
      Check.equal(List.of(), place.check());
      Check.equal("a", place.serves());
      place.put("0.fms", "b.fms", 20);
      Check.equal(List.of("+0.fms"), place.check());
      Check.equal("b", place.serves());
      // As new: the last by name. Older: never. And what is no model's name.
      place.put("2.fms", "a.fms", 20);
      Check.equal(List.of("+2.fms"), place.check());
      place.put("9.fms", "b.fms", 19);
      place.put(".hidden.fms", "b.fms", 30);
      place.put("3.fms.tmp.77", "b.fms", 30);
      place.put("3.tmp.77.fms", "b.fms", 30);
      place.put("3.txt", "b.fms", 30);
      Files.createDirectory(place.folder.resolve("4.fms"));
      Check.equal(List.of(), place.check());
      Check.equal("a", place.serves());
      // The same name with other bytes.
      place.put("2.fms", "b.fms", 40);
      Check.equal(List.of("+2.fms"), place.check());
      Check.equal("b", place.serves());
      Check.equal("", place.watcher.lastError());
    }
  }

  static void whatIsBadNeverReplacesWhatIsGood() throws Exception {
    try (Place place = new Place("")) {
      place.put("1.fms", "a.fms", 10);
      byte[] damaged = Files.readAllBytes(Check.data("b.fms"));
      damaged[damaged.length - 100] ^= 4;
      place.put("2.fms", damaged, 20);
      Check.equal(List.of("-2.fms", "+1.fms"), place.check());
      Check.equal("a", place.serves());
      String error = place.watcher.lastError();
      Check.that(error.startsWith(place.folder.resolve("2.fms") + ": "), error);
      // Told once, and said until it is gone.
      Check.equal(List.of(), place.check());
      Check.equal(error, place.watcher.lastError());
      place.put("2.fms", "b.fms", 20);
      Check.equal(List.of("+2.fms"), place.check());
      Check.equal("b", place.serves());
      Check.equal("", place.watcher.lastError());
    }
  }

  static void theMd5BesideAFileIsChecked() throws Exception {
    try (Place place = new Place("")) {
      place.text("1.fms.md5", md5("b.fms") + "  1.fms\n", 1);
      place.put("1.fms", "a.fms", 10);
      Check.equal(List.of("-1.fms"), place.check());
      Check.that(place.watcher.lastError().contains("md5"), place.watcher.lastError());
      place.text("1.fms.md5", "no sum\n", 2);
      Check.equal(List.of("-1.fms"), place.check());
      Check.equal(
          place.folder.resolve("1.fms.md5")
              + ": not one line \"MD5  PATH\" as md5sum prints it",
          place.watcher.lastError());
      place.text("1.fms.md5", md5("a.fms") + " *1.fms\n", 3);
      Check.equal(List.of("+1.fms"), place.check());
      Check.equal("", place.watcher.lastError());
      Check.equal(List.of(), place.check());
    }
  }

  static void aManifestNamesTheModel() throws Exception {
    try (Place place = new Place("current")) {
      Check.equal(List.of("-current"), place.check());
      Check.equal(
          place.folder.resolve("current") + ": No such file or directory",
          place.watcher.lastError());
      Check.equal(List.of(), place.check());
      place.put("x.model", "a.fms", 10);
      place.text("current", md5("a.fms") + "  x.model\n", 1);
      Check.equal(List.of("+x.model"), place.check());
      Check.equal("", place.watcher.lastError());
      Check.equal(List.of(), place.check());
      place.text("current", md5("b.fms") + "  " + Check.data("b.fms") + "\n", 2);
      Check.equal(List.of("+b.fms"), place.check());
      Check.equal("b", place.serves());
      place.text("current", md5("b.fms") + "  x.model\n", 3);
      Check.equal(List.of("-x.model"), place.check());
      place.text("current", md5("a.fms") + "  none\n", 4);
      Check.equal(List.of("-none"), place.check());
      for (String bad : new String[] {"", "x.model\n", md5("a.fms") + "\n", "a\nb\n"}) {
        place.text("current", bad, 5 + bad.length());
        Check.equal(List.of("-current"), place.check());
      }
      Check.equal("b", place.serves());
    }
  }

  static void aThreadDoesIt() throws Exception {
    CountDownLatch published = new CountDownLatch(1);
    CountDownLatch refused = new CountDownLatch(1);
    try (Place place = new Place("");
        Watcher watcher =
            new Watcher(
                place.slot,
                place.folder,
                new Watcher.Options()
                    .interval(Duration.ofMillis(1))
                    .copy()
                    .onPublish((path) -> published.countDown())
                    .onError((path, reason) -> refused.countDown()))) {
      Check.equal(watcher, watcher.start().start());
      place.put("1.fms", "a.fms", 10);
      Check.that(published.await(60, TimeUnit.SECONDS), "published");
      place.text("2.fms", "no model", 20);
      Check.that(refused.await(60, TimeUnit.SECONDS), "refused");
      watcher.close();
      watcher.close();
      Check.equal("a", place.serves());
      Check.that(watcher.lastError().contains("2.fms"), watcher.lastError());
    }
  }

  static void aListenerMayEndItAndWhatItThrowsDoesNot() throws Exception {
    CountDownLatch ended = new CountDownLatch(1);
    Watcher[] self = {null};
    try (Place place = new Place("")) {
      Watcher.Options options =
          new Watcher.Options()
              .interval(Duration.ofMillis(1))
              .onError(
                  (path, reason) -> {
                    throw new UnsupportedOperationException();
                  })
              .onPublish(
                  (path) -> {
                    self[0].close();
                    ended.countDown();
                  });
      place.text("1.fms", "no model", 10);
      self[0] = new Watcher(place.slot, place.folder, options);
      Check.fails(UnsupportedOperationException.class, self[0]::check);
      self[0].start();
      place.put("2.fms", "a.fms", 20);
      Check.that(ended.await(60, TimeUnit.SECONDS), "published, and ended by the listener");
      self[0].close();
    }
    Check.failsArgument(
        "interval: is less than a millisecond",
        () -> new Watcher.Options().interval(Duration.ofNanos(999_999)));
  }

  static void aClosedSlotIsSaid() throws Exception {
    try (Place place = new Place("")) {
      place.slot.close();
      Check.failsClosed("slot", place.watcher::check);
    }
  }
}
