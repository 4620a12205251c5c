//! A limit on how often we ask the API server.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::Instant;
use tower::{Layer, Service};

/// How many requests may go out at once where a rate is set and no burst, as in other Kubernetes clients.
const DEFAULT_BURST: NonZeroU32 = NonZeroU32::new(10).expect("10 is not 0");

/// How often requests may go out. A watch counts once, when it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttle {
    /// The time between requests in the long run.
    pub interval: Duration,
    /// How many may go out at once after a pause.
    pub burst: NonZeroU32,
}

impl Throttle {
    /// `None`, which is no limit, unless `per_second` is above zero. Without a burst above zero it is 10.
    ///
    /// Source: `--kubernetes-client-qps`, `--kubernetes-client-burst`. A burst without a rate limits nothing.
    pub fn new(per_second: f32, burst: i32) -> Option<Throttle> {
        // Not above zero, not a number, or less than one in the age of the universe: nothing that can be meant.
        let interval = Duration::try_from_secs_f64(f64::from(per_second).recip()).ok()?;
        let burst = u32::try_from(burst).ok().and_then(NonZeroU32::new).unwrap_or(DEFAULT_BURST);
        (per_second > 0.0).then_some(Throttle { interval, burst })
    }
}

/// A bucket of tokens, one for each request that may go out at once, filled at the rate of the limit.
#[derive(Debug)]
struct Bucket {
    limit: Throttle,
    /// When it is full again.
    full: Instant,
}

impl Bucket {
    /// When the next request may go out, which is reserved for whoever asked. Turns come in the order of the calls.
    fn turn(&mut self, now: Instant) -> Instant {
        let Throttle { interval, burst } = self.limit;
        let fill = interval.saturating_mul(burst.get() - 1);
        let turn = self.full.checked_sub(fill).map_or(now, |earliest| earliest.max(now));
        self.full = self.full.max(turn) + interval;
        turn
    }
}

/// Lets requests through one by one as the limit says.
#[derive(Clone, Debug)]
pub(super) struct ThrottleLayer(Arc<Mutex<Bucket>>);

impl ThrottleLayer {
    pub(super) fn new(limit: Throttle) -> ThrottleLayer {
        ThrottleLayer(Arc::new(Mutex::new(Bucket { limit, full: Instant::now() })))
    }
}

impl<S> Layer<S> for ThrottleLayer {
    type Service = Throttled<S>;

    fn layer(&self, inner: S) -> Throttled<S> {
        Throttled { inner, bucket: Arc::clone(&self.0) }
    }
}

/// A service whose requests wait for their turn. They wait on their own, not in front of others.
#[derive(Clone, Debug)]
pub(super) struct Throttled<S> {
    inner: S,
    bucket: Arc<Mutex<Bucket>>,
}

impl<S, R> Service<R> for Throttled<S>
where
    S: Service<R, Future: Send> + Clone + Send + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let turn = self.bucket.lock().unwrap_or_else(PoisonError::into_inner).turn(Instant::now());
        // The one that is ready goes with the request.
        let next = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, next);
        Box::pin(async move {
            tokio::time::sleep_until(turn).await;
            ready.call(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(per_second: f32, burst: i32) -> Bucket {
        let limit = Throttle::new(per_second, burst).expect("a limit");
        Bucket { limit, full: Instant::now() }
    }

    /// Asks at these milliseconds and expects turns at those.
    #[track_caller]
    fn check(mut bucket: Bucket, asked: &[u64], expect: &[u64]) {
        let begin = bucket.full;
        let at = |ms: &u64| begin + Duration::from_millis(*ms);
        let turns: Vec<Instant> = asked.iter().map(|ms| bucket.turn(at(ms))).collect();
        assert_eq!(turns, expect.iter().map(at).collect::<Vec<_>>());
    }

    #[test]
    fn a_burst_goes_out_at_once_and_then_the_rate_holds() {
        check(bucket(10.0, 3), &[0, 0, 0, 0, 0], &[0, 0, 0, 100, 200]);
    }

    #[test]
    fn a_pause_fills_the_bucket_again_but_no_further() {
        check(bucket(10.0, 2), &[0, 0, 5000, 5000, 5000], &[0, 0, 5000, 5000, 5100]);
    }

    #[test]
    fn slower_requests_do_not_wait() {
        check(bucket(10.0, 1), &[0, 100, 250], &[0, 100, 250]);
    }

    #[test]
    fn the_defaults_limit_nothing() {
        assert_eq!(Throttle::new(0.0, 0), None);
        assert_eq!(Throttle::new(-1.0, 5), None);
        assert_eq!(Throttle::new(f32::NAN, 5), None);
        assert_eq!(Throttle::new(0.0, 5), None);
    }

    #[test]
    fn a_rate_without_a_burst_has_a_burst_of_ten() {
        let limit = Throttle::new(50.0, 0).expect("a limit");
        assert_eq!((limit.interval, limit.burst.get()), (Duration::from_millis(20), 10));
    }
}
