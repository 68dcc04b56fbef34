//! What ZF's FROST costs on this machine, in CPU time, from bytes to bytes as ours is measured: `npm run bench -- --rust`.
//! One JSON object a line: suite, step, quorum and microseconds, the least of several batches.

use std::collections::BTreeMap;
use std::time::Duration;

use frost_core::keys::{dkg, generate_with_dealer, IdentifierList, KeyPackage, PublicKeyPackage};
use frost_core::round1::{commit, SigningCommitments, SigningNonces};
use frost_core::round2::{sign, SignatureShare};
use frost_core::{aggregate, verify_signature_share, Ciphersuite, Identifier, SigningPackage};
use rand_core::OsRng;

const BATCHES: usize = 9;
const BATCH_TIME: Duration = Duration::from_millis(12);
const MESSAGE: [u8; 32] = [7; 32];

/// CPU time of this process: what else the machine does is not counted.
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a value of this function, and the clock exists on every POSIX system.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "no clock for CPU time");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Microseconds of one run.
fn measure(mut run: impl FnMut()) -> f64 {
    run();
    let mut least = f64::INFINITY;
    for _ in 0..BATCHES {
        let start = cpu_time();
        let mut runs = 0.0;
        let took = loop {
            run();
            runs += 1.0;
            let took = cpu_time() - start;
            if took > BATCH_TIME {
                break took;
            }
        };
        least = least.min(took.as_secs_f64() * 1e6 / runs);
    }
    least
}

/// One key, dealt, with the commitments of as many signers as it needs.
struct Signing<C: Ciphersuite> {
    keys: BTreeMap<Identifier<C>, KeyPackage<C>>,
    public: PublicKeyPackage<C>,
    nonces: BTreeMap<Identifier<C>, SigningNonces<C>>,
    /// As they arrive.
    commitments: Vec<(Identifier<C>, Vec<u8>)>,
}

impl<C: Ciphersuite> Signing<C> {
    fn new(needed: u16, of: u16) -> Self {
        let (shares, public) =
            generate_with_dealer::<C, _>(of, needed, IdentifierList::Default, &mut OsRng).expect("a dealt key");
        let keys: BTreeMap<_, _> = shares
            .into_iter()
            .map(|(id, share)| (id, KeyPackage::try_from(share).expect("a right share")))
            .collect();
        let mut nonces = BTreeMap::new();
        let mut commitments = Vec::new();
        for (id, key) in keys.iter().take(needed as usize) {
            let (secret, public) = commit(key.signing_share(), &mut OsRng);
            nonces.insert(*id, secret);
            commitments.push((*id, public.serialize().expect("encodable")));
        }
        Self { keys, public, nonces, commitments }
    }

    fn package(&self) -> SigningPackage<C> {
        let commitments = self
            .commitments
            .iter()
            .map(|(id, bytes)| (*id, SigningCommitments::deserialize(bytes).expect("commitments")))
            .collect();
        SigningPackage::new(commitments, &MESSAGE)
    }

    fn share(&self, id: &Identifier<C>) -> Vec<u8> {
        sign(&self.package(), &self.nonces[id], &self.keys[id]).expect("a share").serialize()
    }
}

fn signing_figures<C: Ciphersuite>(report: &dyn Fn(&str, f64), needed: u16, of: u16) {
    let signing = Signing::<C>::new(needed, of);
    let first = signing.commitments[0].0;
    report(
        "commit",
        measure(|| {
            let (_, public) = commit(signing.keys[&first].signing_share(), &mut OsRng);
            std::hint::black_box(public.serialize().expect("encodable"));
        }),
    );
    report("signShare", measure(|| drop(std::hint::black_box(signing.share(&first)))));
    let shares: Vec<_> = signing.nonces.keys().map(|id| (*id, signing.share(id))).collect();
    report(
        "aggregate",
        measure(|| {
            let parsed = shares
                .iter()
                .map(|(id, bytes)| (*id, SignatureShare::deserialize(bytes).expect("a share")))
                .collect();
            let signature = aggregate(&signing.package(), &parsed, &signing.public).expect("a signature");
            std::hint::black_box(signature.serialize().expect("encodable"));
        }),
    );
    let verifying = signing.public.verifying_shares()[&first];
    report(
        "verifySignatureShare",
        measure(|| {
            let share = SignatureShare::deserialize(&shares[0].1).expect("a share");
            let key = signing.public.verifying_key();
            verify_signature_share(first, &verifying, &share, &signing.package(), key).expect("a right share");
        }),
    );
}

/// All parties, all rounds; every message is written once and read once by each receiver.
fn generate_key<C: Ciphersuite>(needed: u16, of: u16) -> PublicKeyPackage<C> {
    let ids: Vec<Identifier<C>> = (1..=of).map(|i| i.try_into().expect("an identifier")).collect();
    let mut first_secrets = BTreeMap::new();
    let mut first = BTreeMap::new();
    for id in &ids {
        let (secret, package) = dkg::part1(*id, of, needed, OsRng).expect("round 1");
        first_secrets.insert(*id, secret);
        first.insert(*id, package.serialize().expect("encodable"));
    }
    let received_first = |me: &Identifier<C>| {
        first
            .iter()
            .filter(|(id, _)| *id != me)
            .map(|(id, bytes)| (*id, dkg::round1::Package::deserialize(bytes).expect("round 1")))
            .collect::<BTreeMap<_, _>>()
    };
    let mut second_secrets = BTreeMap::new();
    let mut second = BTreeMap::new();
    for (id, secret) in first_secrets {
        let packages = received_first(&id);
        let (secret, sent) = dkg::part2(secret, &packages).expect("round 2");
        second_secrets.insert(id, (secret, packages));
        for (to, package) in sent {
            second.insert((id, to), package.serialize().expect("encodable"));
        }
    }
    let mut result = None;
    for (id, (secret, packages)) in &second_secrets {
        let received = ids
            .iter()
            .filter(|from| *from != id)
            .map(|from| (*from, dkg::round2::Package::deserialize(&second[&(*from, *id)]).expect("round 2")))
            .collect();
        result = Some(dkg::part3(secret, packages, &received).expect("round 3").1);
    }
    result.expect("at least one party")
}

fn figures<C: Ciphersuite>(suite: &str) {
    for (needed, of) in [(2, 3), (7, 10)] {
        let report = |step: &str, us: f64| {
            println!("{{\"suite\":\"{suite}\",\"step\":\"{step}\",\"needed\":{needed},\"of\":{of},\"us\":{us:.2}}}");
        };
        signing_figures::<C>(&report, needed, of);
        report("DKG", measure(|| drop(std::hint::black_box(generate_key::<C>(needed, of)))));
    }
}

fn main() {
    figures::<frost_ed25519::Ed25519Sha512>("ed25519");
    figures::<frost_ristretto255::Ristretto255Sha512>("ristretto255");
    figures::<frost_secp256k1::Secp256K1Sha256>("secp256k1");
    figures::<frost_secp256k1_tr::Secp256K1Sha256TR>("secp256k1-tr");
    figures::<frost_p256::P256Sha256>("P-256");
}
