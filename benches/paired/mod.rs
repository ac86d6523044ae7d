//! What is said of samples that were taken in pairs: whatever slows the machine for a while slows both of a pair.

pub fn median(samples: &[f64]) -> f64 {
    let mut samples = samples.to_vec();
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// How often the second's time goes into the first's: the median of the rounds, the least and the most.
pub fn ratio(theirs: &[f64], ours: &[f64]) -> String {
    let ratios: Vec<f64> = theirs.iter().zip(ours).map(|(theirs, ours)| theirs / ours).collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    format!("{:.2}x ({least:.1}-{most:.1})", median(&ratios))
}
