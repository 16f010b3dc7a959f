-- How often each video's thumbnail was shown on each Pacific day, by where it was shown, and what part was clicked.
-- From channel_reach_combined_a1, the only place where YouTube tells it.
-- Unique: channel_id, date, video_id, traffic_source_type. Never NULL: channel_id, date, as_of. Days: date.
-- channel_id: the channel
-- date: the Pacific day
-- video_id: the video; NULL where YouTube names none
-- traffic_source_type: the code that YouTube's report has
-- traffic_source: what the code means; the code itself where nobody has said
-- impressions: how often the thumbnail was shown
-- click_through_rate: the part that was clicked, weighted by impressions: 0.05 is 5 per cent
-- as_of: when the newest report about it was issued
SELECT
  reach.channel_id,
  reach.date,
  reach.video_id,
  reach.traffic_source_type,
  IFNULL(MAX(names.name), reach.traffic_source_type) AS traffic_source,
  SUM(reach.video_thumbnail_impressions) AS impressions,
  ROUND(
    CAST(
      SAFE_DIVIDE(
        SUM(reach.video_thumbnail_impressions * reach.video_thumbnail_impressions_ctr),
        SUM(reach.video_thumbnail_impressions)
      ) AS BIGNUMERIC
    ),
    4
  ) AS click_through_rate,
  MAX(reach.as_of) AS as_of
FROM `{dataset}.channel_reach_combined` AS reach
LEFT JOIN `{dataset}.code_names` AS names
  ON names.dimension = 'traffic_source_type' AND names.code = reach.traffic_source_type
GROUP BY channel_id, date, video_id, traffic_source_type
