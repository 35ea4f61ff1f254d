/// What the renderers make of ``FixedReport``.
enum Snapshots {
  static let markdown = """
    # A \\| B

    > **Note.** Zeros weigh nothing.

    ## Comparison

    | quantity                           |    a.onnx |    b.onnx |        change |
    | ---------------------------------- | --------: | --------: | ------------: |
    | parameters                         |     1,000 |     1,000 |       × 1.000 |
    | nonzero                            |     1,000 |       250 |       × 0.250 |
    | sparsity (zeros of all parameters) |    0.00 % |   75.00 % | +75.00 points |
    | MACs                               | 1,234,567 | 1,234,567 |       × 1.000 |
    | FLOPs (2 × MACs)                   | 2,469,134 | 2,469,134 |       × 1.000 |
    | file (MB)                          |     4.000 |     4.000 |       × 1.000 |
    | file, gzip -9 (MB)                 |     0.001 |     0.000 |       × 0.250 |
    | latency, median (ms) \\*            |      1.25 |         – |             – |
    | latency, p90 (ms) \\*               |      1.50 |         – |             – |
    | peak memory (MB) \\*                |    10.000 |         – |             – |
    | mAP (AP .50:.95)                   |    0.5000 |    0.3750 |       -0.1250 |
    | AP_S                               |         – |         – |             – |

    \\* measured in a process of its own, the best of three rounds in turn; varies with the machine and its load.
    Sizes in MB = 10⁶ bytes. A dash marks what was not or could not be measured.

    ## Classes

    | class | objects | AP a.onnx | AP50 | AP b.onnx | AP50 |
    | ----- | ------: | --------: | ---: | --------: | ---: |
    | cat   |       3 |    0.2500 |    – |    0.2500 |    – |

    ## Layers

    | layer          | operator | parameters |      MACs | sparsity a.onnx | sparsity b.onnx |
    | -------------- | -------- | ---------: | --------: | --------------: | --------------: |
    | conv "1", a\\|b | Conv     |        900 | 1,234,567 |          0.00 % |         83.33 % |
    | norm           | Mul      |        100 |         0 |          0.00 % |          0.00 % |

    ## Provenance

    ```sh
    compress report a.onnx 'it'\\''s b.onnx'
    ```

    - compress 1.2.3, seed 7, threads 2, a CPU
    - data: coco (COCO), 2 images, SHA-256 `d0d0`
    - a.onnx: x/a.onnx, SHA-256 `c0ffee`
      - head a
    - b.onnx: x/b.onnx, SHA-256 `c0ffee`
      - head a

    """
}
