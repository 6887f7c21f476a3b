package fmscore;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Keeps the model of a slot new: polls a place, opens what is new there, verifies and publishes it.
 * What cannot be used never takes the place of what is served.
 *
 * <p>The place is a directory: the newest usable {@code *.fms} is served, by time of change and
 * then by name. Names that begin with '.' or hold ".tmp." are being written. A file's md5 is
 * checked where FILE.md5, as md5sum prints it, lies beside it. Or it is a manifest, a file of one
 * line as md5sum prints it: "MD5  PATH", PATH relative to it. Files are written under another name
 * and renamed, never changed in place.
 *
 * <p>A file that was refused is tried again when it or its md5 has changed.
 */
public final class Watcher implements AutoCloseable {
  private final Slot slot;
  private final Path place;
  private final Options options;

  private String served = ""; // identity of what was published last
  private Map<String, String> refused = new HashMap<>(); // what is there now -> the reason
  private volatile String lastError = "";
  private Thread thread;

  /** How a place is watched. */
  public static final class Options {
    private long interval = 5000; // ms
    private boolean copy;
    private Consumer<Path> onPublish = (path) -> {};
    private BiConsumer<Path, String> onError = (path, reason) -> {};

    /** Between two polls; 5 seconds. */
    public Options interval(Duration between) {
      if (between.toMillis() <= 0) {
        throw new IllegalArgumentException("interval: is less than a millisecond");
      }
      interval = between.toMillis();
      return this;
    }

    /** Models are opened by {@link Model.Options#copy}. */
    public Options copy() {
      copy = true;
      return this;
    }

    /** Called by the thread that checks, after it happened. What it throws is check()'s. */
    public Options onPublish(Consumer<Path> listener) {
      onPublish = listener;
      return this;
    }

    /** Called with the file and the reason, once for each that is refused. */
    public Options onError(BiConsumer<Path, String> listener) {
      onError = listener;
      return this;
    }
  }

  /** A poll's own: what it found wrong. */
  private static final class Poll {
    final Map<String, String> refused = new HashMap<>();
    String error = "";

    void fail(String reason) {
      if (error.isEmpty()) error = reason;
    }
  }

  /** Nothing happens before {@link #check} or {@link #start}. */
  public Watcher(Slot slot, Path place) {
    this(slot, place, new Options());
  }

  public Watcher(Slot slot, Path place, Options options) {
    this.slot = slot;
    this.place = place.toAbsolutePath();
    this.options = options;
  }

  /**
   * One poll.
   *
   * @return whether a model was published
   * @throws IllegalStateException the slot is closed
   */
  public synchronized boolean check() {
    slot.reclaim();
    Poll poll = new Poll();
    try {
      for (Candidate candidate : candidates(poll)) {
        if (candidate.identity.equals(served)) break;
        if (publish(candidate, poll)) return true;
      }
      return false;
    } finally {
      refused = poll.refused;
      lastError = poll.error;
    }
  }

  /** Why what ought to be served is not, or "": of the last check. */
  public String lastError() {
    return lastError;
  }

  /** Polls in a daemon thread of its own until {@link #close}. */
  public synchronized Watcher start() {
    if (thread == null) {
      thread = new Thread(this::run, "fmscore watcher of " + place);
      thread.setDaemon(true);
      thread.start();
    }
    return this;
  }

  /** Ends the thread and waits for the check that it is in. */
  @Override
  public void close() {
    Thread ended;
    synchronized (this) {
      ended = thread;
      thread = null;
      notifyAll();
    }
    if (ended == null || ended == Thread.currentThread()) return; // the latter of a listener
    try {
      ended.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void run() {
    while (thread == Thread.currentThread()) {
      try {
        check();
      } catch (RuntimeException e) {
        lastError = e.toString();
      }
      try {
        wait(options.interval);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** What may be served, the best first. */
  private List<Candidate> candidates(Poll poll) {
    try {
      if (Files.isDirectory(place)) return Candidate.ofDirectory(place);
      return List.of(Candidate.ofManifest(place));
    } catch (IOException | RuntimeException e) {
      String reason = e instanceof BadSum ? e.getMessage() : place + ": " + why(e);
      refuse(reason + Candidate.identityOf(place), place, reason, poll);
      poll.fail(reason);
      return List.of();
    }
  }

  /** As the system would say it. */
  private static String why(Exception e) {
    if (e instanceof NoSuchFileException) return "No such file or directory";
    if (e instanceof AccessDeniedException) return "Permission denied";
    return e.toString();
  }

  /** Publishes it, or says why not; what was refused before and has not changed is left. */
  private boolean publish(Candidate candidate, Poll poll) {
    String what = candidate.identity + candidate.sumIdentity;
    String before = refused.get(what);
    if (before != null) {
      poll.refused.put(what, before);
      poll.fail(before);
      return false;
    }
    try {
      Model.Options how = new Model.Options().md5(candidate.md5());
      try (Model model = Model.open(candidate.path, options.copy ? how.copy() : how)) {
        slot.publish(model);
      }
    } catch (IOException | BadSum | FmscoreException e) {
      refuse(what, candidate.path, e.getMessage(), poll);
      poll.fail(e.getMessage());
      return false;
    }
    served = candidate.identity;
    options.onPublish.accept(candidate.path);
    return true;
  }

  /** Told once, until it changes. */
  private void refuse(String what, Path path, String reason, Poll poll) {
    poll.refused.put(what, reason);
    if (!refused.containsKey(what)) options.onError.accept(path, reason);
  }
}
