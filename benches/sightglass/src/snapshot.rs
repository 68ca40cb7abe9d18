//! Defines every function of `wasi_snapshot_preview1` for guests of wasmelt.
//!
//! The functions are those of the crate `wasi-common`, which knows no engine: it works on the bytes of a memory. Here
//! they get the memory that the calling instance exports as `memory`, as WASI demands, and the context of its store.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use wasi_common::snapshots::preview_1::wasi_snapshot_preview1 as snapshot;
use wasi_common::{I32Exit, WasiCtx};
use wasmelt::errors::LinkerError;
use wasmelt::{Caller, Error, Linker};
use wiggle::{GuestMemory, anyhow};

/// Data of a store that has a context of WASI.
pub(crate) trait HasWasi {
    /// The context.
    fn wasi(&mut self) -> &mut WasiCtx;
}

macro_rules! define {
    ($linker:ident: $( $name:ident($($parameter:ident: $ty:ty),*) -> $result:ty; )*) => {
        $(
            $linker.func_wrap(
                "wasi_snapshot_preview1",
                stringify!($name),
                |mut caller: Caller<'_, T>, $($parameter: $ty),*| -> Result<$result, Error> {
                    let memory = caller
                        .get_export("memory")
                        .and_then(|export| export.into_memory())
                        .ok_or_else(|| Error::new("the guest exports no memory"))?;
                    let (bytes, data) = memory.data_and_store_mut(&mut caller);
                    let mut memory = GuestMemory::Unshared(bytes);
                    finish(snapshot::$name(data.wasi(), &mut memory, $($parameter),*))
                },
            )?;
        )*
    };
}

/// Defines all functions of the snapshot, with parameters as the guest passes them.
///
/// # Errors
///
/// If one is defined already.
pub(crate) fn add_to_linker<T: HasWasi + 'static>(
    linker: &mut Linker<T>,
) -> Result<(), LinkerError> {
    define! { linker:
        args_get(argv: i32, argv_buf: i32) -> i32;
        args_sizes_get(count: i32, len_bytes: i32) -> i32;
        clock_res_get(clock: i32, resolution: i32) -> i32;
        clock_time_get(clock: i32, precision: i64, time: i32) -> i32;
        environ_get(environ: i32, environ_buf: i32) -> i32;
        environ_sizes_get(count: i32, len_bytes: i32) -> i32;
        fd_advise(fd: i32, offset: i64, len_bytes: i64, advice: i32) -> i32;
        fd_allocate(fd: i32, offset: i64, len_bytes: i64) -> i32;
        fd_close(fd: i32) -> i32;
        fd_datasync(fd: i32) -> i32;
        fd_fdstat_get(fd: i32, stat: i32) -> i32;
        fd_fdstat_set_flags(fd: i32, flags: i32) -> i32;
        fd_fdstat_set_rights(fd: i32, base: i64, inheriting: i64) -> i32;
        fd_filestat_get(fd: i32, stat: i32) -> i32;
        fd_filestat_set_size(fd: i32, len_bytes: i64) -> i32;
        fd_filestat_set_times(fd: i32, accessed: i64, modified: i64, flags: i32) -> i32;
        fd_pread(fd: i32, vectors: i32, count: i32, offset: i64, len_bytes: i32) -> i32;
        fd_prestat_dir_name(fd: i32, path: i32, path_len: i32) -> i32;
        fd_prestat_get(fd: i32, stat: i32) -> i32;
        fd_pwrite(fd: i32, vectors: i32, count: i32, offset: i64, len_bytes: i32) -> i32;
        fd_read(fd: i32, vectors: i32, count: i32, len_bytes: i32) -> i32;
        fd_readdir(fd: i32, buffer: i32, buffer_len: i32, cookie: i64, len_bytes: i32) -> i32;
        fd_renumber(fd: i32, to: i32) -> i32;
        fd_seek(fd: i32, offset: i64, whence: i32, new_offset: i32) -> i32;
        fd_sync(fd: i32) -> i32;
        fd_tell(fd: i32, offset: i32) -> i32;
        fd_write(fd: i32, vectors: i32, count: i32, len_bytes: i32) -> i32;
        path_create_directory(fd: i32, path: i32, path_len: i32) -> i32;
        path_filestat_get(fd: i32, flags: i32, path: i32, path_len: i32, stat: i32) -> i32;
        path_filestat_set_times(
            fd: i32, flags: i32, path: i32, path_len: i32, accessed: i64, modified: i64, set: i32
        ) -> i32;
        path_link(
            fd: i32, flags: i32, path: i32, path_len: i32, new_fd: i32, new_path: i32, new_path_len: i32
        ) -> i32;
        path_open(
            fd: i32, look_up: i32, path: i32, path_len: i32, open: i32, base: i64, inheriting: i64,
            flags: i32, opened: i32
        ) -> i32;
        path_readlink(
            fd: i32, path: i32, path_len: i32, buffer: i32, buffer_len: i32, len_bytes: i32
        ) -> i32;
        path_remove_directory(fd: i32, path: i32, path_len: i32) -> i32;
        path_rename(
            fd: i32, path: i32, path_len: i32, new_fd: i32, new_path: i32, new_path_len: i32
        ) -> i32;
        path_symlink(path: i32, path_len: i32, fd: i32, new_path: i32, new_path_len: i32) -> i32;
        path_unlink_file(fd: i32, path: i32, path_len: i32) -> i32;
        poll_oneoff(subscriptions: i32, events: i32, count: i32, event_count: i32) -> i32;
        proc_exit(status: i32) -> ();
        proc_raise(signal: i32) -> i32;
        random_get(buffer: i32, buffer_len: i32) -> i32;
        sched_yield() -> i32;
        sock_accept(fd: i32, flags: i32, accepted: i32) -> i32;
        sock_recv(
            fd: i32, vectors: i32, count: i32, flags: i32, len_bytes: i32, flags_out: i32
        ) -> i32;
        sock_send(fd: i32, vectors: i32, count: i32, flags: i32, len_bytes: i32) -> i32;
        sock_shutdown(fd: i32, how: i32) -> i32;
    }
    Ok(())
}

/// The result of a function, which is there at the first poll: the files are those of `wasi-common`'s module `sync`.
fn finish<T>(function: impl Future<Output = anyhow::Result<T>>) -> Result<T, Error> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(function).poll(&mut context) {
        Poll::Ready(Ok(result)) => Ok(result),
        Poll::Ready(Err(error)) => Err(match error.downcast_ref::<I32Exit>() {
            Some(I32Exit(status)) => Error::i32_exit(*status),
            None => Error::new(format!("{error:#}")),
        }),
        Poll::Pending => Err(Error::new("a function of WASI would have waited")),
    }
}
