import numpy as np
from statsmodels.stats.multitest import multipletests

from histoniche.multiplicity import false_discovery


def test_false_discovery_equals_statsmodels_and_keeps_nan() -> None:
    p = np.random.default_rng(1).random(50) ** 3
    q = false_discovery(np.concatenate([p, [np.nan]]))
    np.testing.assert_allclose(q[:-1], multipletests(p, method="fdr_bh")[1], rtol=1e-12)
    assert np.isnan(q[-1])
    assert np.isnan(false_discovery(np.array([np.nan]))).all()
