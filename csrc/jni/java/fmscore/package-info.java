/**
 * Scores fmtrain's models inside a server: Java's door to libfmscore.
 *
 * <pre>
 *   {@link fmscore.Model}    a serving file, immutable, shared by all threads
 *   {@link fmscore.Slot}     where the current model hangs; publishing another one is one exchange
 *   {@link fmscore.Context}  the scratch memory of one thread
 *   {@link fmscore.Request}  takes the user's side once, then scores items in batches
 *   {@link fmscore.Rows}     features in direct buffers, which the library reads in place
 *   {@link fmscore.Scores}   where scores go: direct buffers, or those that it makes
 *   {@link fmscore.Watcher}  publishes what appears in a directory or a manifest
 * </pre>
 *
 * <p>A batch is one native call, and scoring makes no garbage. Buffers are direct and of the
 * machine's own byte order, as {@link fmscore.Buffers} makes them; what counts of them is what
 * stands between position and limit when they are used, and neither is changed. Ids and counts are
 * unsigned where Java has only {@code long}.
 *
 * <p>Errors: {@link IllegalArgumentException} for buffers that do not fit, {@link
 * IllegalStateException} for what is closed or not now, {@link fmscore.FmscoreException} for all
 * that the library says, with its code and message. Objects that are never closed are freed when
 * the garbage collector finds them; close them, as it does not see how large they are.
 */
package fmscore;
