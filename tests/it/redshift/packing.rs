//! What packing makes of many small files: as many files for COPY as the cluster has slices, of one size.

use sparkify_testkit::{DataSet, Song};
use sparkify_warehouse::Warehouse;

use super::{Stand, run};
use crate::cli;

const SONGS: usize = 3000;

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_one_song_files_become_a_file_for_each_slice_with_as_many_songs() {
    let data = DataSet::new();
    for song in 0..SONGS {
        let name = format!("{song:04}.json");
        data.write_songs(&name, &[Song::new(&format!("SO{song:04}"), &format!("AR{:03}", song % 500))]);
    }
    for slices in [2, 3, 16, 32] {
        let (stand, cli) = (Stand::with(|options| options.slices = slices), cli());
        let path = data.path();
        let report = run(&cli, &stand, &["run", "--source", path.to_str().unwrap(), "--format", "json"])
            .success()
            .json();
        assert_eq!(report["tables"]["songs"], SONGS);
        let sql = "SELECT lines_scanned, bytes_scanned FROM sys_load_detail \
                   WHERE file_name LIKE '%sparkify_run_songs/%' ORDER BY lines_scanned";
        let files = stand.open().await.query(sql).await.unwrap();
        let slices = usize::try_from(slices).unwrap();
        assert_eq!(files.row_count(), slices, "one for each slice");
        for column in [0, 1] {
            let sizes: Vec<_> = (0..slices).map(|row| files.integer(row, column).unwrap()).collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            let mean = sizes.iter().sum::<i64>() / i64::try_from(slices).unwrap();
            assert!(most - least <= mean / 3, "{slices} slices: {sizes:?}");
        }
    }
}
