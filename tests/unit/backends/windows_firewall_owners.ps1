# Two scripts on one server: of one cluster with another group, and of two clusters. What one has set, the other does not
# take back; what was there before both comes back with the last. With the scripts of windows_firewall_object.ps1, which
# suit a Group Policy object as well. Writes a line for each check.
param ([string] $First, [string] $Second)
Import-Module (Join-Path $PSScriptRoot 'windows_firewall_machine.psm1') -Force
Set-StrictMode -Version Latest
$one = Get-Block -Path $First
$two = Get-Block -Path $Second
$folder = Split-Path -Path $First
$gpo = 'contoso.example\hci'
# The compiler's names change with the group.
function Set-Group { param ($Block, [string] $Group) Edit-Block (Edit-Block $Block 'hcipolc:prod' $Group) '(?<=hcipolc-prod-main-[\w.-]+-)[0-9a-f]{8}(?='')' '00000000' }
function Set-Cluster { param ($Block, [string] $Name) Edit-Block $Block '(?<=hcipolc[:-])prod' $Name }
$new = Set-Group $one 'Our servers'
$newLess = Set-Group $two 'Our servers'
$lab = Set-Cluster $one 'lab'
$labLess = Set-Cluster $two 'lab'
$kept = 'These stay as they are: the script of another cluster or group has set them, too: '
$profiles = 'Domain', 'Private', 'Public'
$settings = @('FailoverClustering-NetFt-UDP-In', 'FPS-SMB-In-TCP' | ForEach-Object { "Built-in $_" }) + @($profiles | ForEach-Object { "Outbound $_" })
$proxies = @('Azure Arc agent', 'Environment', 'WinHTTP', 'WinINet' | ForEach-Object { "Proxy of $_" })

# Everything but rules of ours and what is remembered.
function Get-Rest {
    $copy = Copy-Machine
    foreach ($name in @($copy.Stores.Keys)) { foreach ($rule in @($copy.Stores[$name].Keys)) { if ($rule -like 'hcipolc-*') { $copy.Stores[$name].Remove($rule) } } }
    foreach ($key in @($copy.Registry.Keys)) { if ($key -like '*hcipolc*') { $copy.Registry.Remove($key) } }
    $copy.Remove('Sessions')
    ConvertTo-Sorted -Value $copy
}
function Get-Kept { param ($Block, [hashtable] $More) @(Get-Warning $Block $More) -like 'These stay*' }
function Invoke-Unforced { param ([scriptblock] $Block, [hashtable] $More) try { @(& $Block @More 3>&1 6>$null | ForEach-Object { "$_" }) -join '; ' } catch { "! $_" } }

# ---- another group ----
Start-Machine
$empty = ConvertTo-MachineText
$null = Find $one 'Apply'
$rest = Get-Rest
$applied = ConvertTo-MachineText
$said = Invoke-Unforced $new @{ Mode = 'Apply' }
Test-Equal -What "Apply with another group stops: $said" -Is ($said -like '! Nothing was changed. There are rules of this cluster in another group: hcipolc-prod-main-x.*, hcipolc-prod-main-x.*. Windows cannot give them this one: remove them with the script that made them (-Mode Remove), then run Apply. -Force makes the rules beside them.') -Should 'True'
Test-Equal -What 'and changes nothing' -Is (ConvertTo-MachineText) -Should $applied
Test-Equal -What 'unless it must' -Is ((Find $new 'Apply') -like '*dns-out: Created*') -Should 'True'
Test-Equal -What 'both are content' -Is "$(Find $one 'Verify')$(Find $new 'Verify')" -Should ''
Test-Equal -What 'Remove of the old one says what stays' -Is (Get-Kept $one @{ Mode = 'Remove'; WhatIf = $true }) -Should "$kept$(($settings + $proxies) -join ', ')"
Test-Equal -What 'takes its rules away alone' -Is ((Find $one 'Remove') -match 'Outbound|Built-in|Restored') -Should 'False'
Test-Equal -What 'and leaves what the new one wants' -Is (Get-Rest) -Should $rest
Test-Equal -What 'which is content' -Is (Find $new 'Verify') -Should ''
Test-Equal -What 'and may be applied again' -Is (Invoke-Unforced $new @{ Mode = 'Apply' }) -Should ''
$null = Find $new 'Remove'
Test-Equal -What 'and leaves nothing' -Is (ConvertTo-MachineText) -Should $empty
# The other way round.
$null = Find $one 'Apply'
$null = Find $new 'Apply'
$null = Find $new 'Remove'
Test-Equal -What 'the new one goes first' -Is (ConvertTo-MachineText) -Should $applied
# One that wants none of it.
$null = Find $newLess 'Apply'
Test-Equal -What 'a group without lock-down opens nobody''s' -Is (Get-Rest) -Should $rest
Test-Equal -What 'nor does its Remove' -Is "$((Find $newLess 'Remove') -like '!*') $((ConvertTo-MachineText) -join '' -ceq ($applied -join ''))" -Should 'False True'
# One that wants it no longer.
$null = Find $new 'Apply'
Test-Equal -What 'what a policy has lost is stale' -Is ((Find $newLess 'Verify') -like '*Outbound Domain: Stale*Proxy of WinHTTP: Stale*') -Should 'True'
$null = Find $newLess 'Apply'
Test-Equal -What 'and stays for the other' -Is (Get-Rest) -Should $rest
$null = Find $newLess 'Remove'
Test-Equal -What 'who remembers it' -Is (ConvertTo-MachineText) -Should $applied

# ---- another cluster ----
$null = Find $labLess 'Apply'
Test-Equal -What 'a cluster without a proxy restores nobody''s' -Is (Get-Rest) -Should $rest
Test-Equal -What 'and is asked for no -Force' -Is ((Invoke-Unforced $labLess @{ Mode = 'Apply' }) -match 'another group') -Should 'False'
$null = Find $labLess 'Remove'
$null = Find $lab 'Apply'
$null = Find $one 'Remove'
Test-Equal -What 'two with one: the other keeps' -Is "$((Get-Rest) -join '' -ceq ($rest -join '')) $(Find $lab 'Verify')" -Should 'True '
$null = Find $lab 'Remove'
Test-Equal -What 'until it goes' -Is (ConvertTo-MachineText) -Should $empty
# A cluster whose name begins as ours does is none of ours.
$null = Find (Set-Cluster $two 'prod-dr') 'Apply'
Test-Equal -What 'rules of prod-dr are not in another group of prod' -Is "$((Invoke-Unforced $two @{ Mode = 'Apply' }) -match 'another group') $((Find $two 'Verify') -eq '')" -Should 'False True'
$null = Find $two 'Remove'
Test-Equal -What 'nor taken away' -Is (Find (Set-Cluster $two 'prod-dr') 'Verify') -Should ''

# ---- Restore ----
Start-Machine
$file = Join-Path $folder 'owners.json'
[System.IO.File]::Delete($file)
$null = Find $one 'Apply' @{ BackupPath = $file }
$null = Find $lab 'Apply'
$rest = Get-Rest
$said = @(Get-Warning $one @{ Mode = 'Restore'; BackupPath = $file }) -join '; '
Test-Equal -What "Restore leaves what another wants: $said" -Is "$($said -like "*These stay*Outbound Domain*") $(@($said -split '; ' -like 'Proxy of * stays as it is: the script of another cluster or group has set it.').Count) $((Get-Rest) -join '' -ceq ($rest -join ''))" -Should 'True 4 True'
$null = Find $lab 'Remove'
Test-Equal -What 'who puts back what was there before both' -Is (ConvertTo-MachineText) -Should $empty

# ---- memory that nobody can read ----
Start-Machine
$null = Find $one 'Apply'
(Get-Machine).Registry['HKLM:\SOFTWARE\hcipolc\Proxy\hcipolc-prod']['WinHTTP'] = '{"Server":'
$before = ConvertTo-MachineText
$said = Find $one 'Remove'
Test-Equal -What "is named: $said" -Is ($said -like '! Nothing was changed: what the proxy of WinHTTP was before cannot be read (value WinHTTP of HKLM:\SOFTWARE\hcipolc\Proxy\hcipolc-prod). Set that proxy by hand, delete the value and run this again.*') -Should 'True'
Test-Equal -What 'before anything is changed' -Is (ConvertTo-MachineText) -Should $before

# ---- a Group Policy object ----
Start-Machine
Add-Object -Name $gpo
Set-Address -Name 'contoso.example' -Address @('10.0.7.4')
$more = @{ PolicyStore = $gpo; AllowLockOut = $true }
$empty = Get-Rest
$null = Find $one 'Apply' $more
$rest = Get-Rest
$null = Find $new 'Apply' $more
Test-Equal -What 'an object remembers for both' -Is (@((Get-Machine).Stores[$gpo].Keys -like '*memory*') -join ' ' -replace '[0-9a-f]{8}$', 'HASH') -Should 'hcipolc-prod-memory hcipolc-prod-memory-HASH'
$null = Find $one 'Remove' $more
Test-Equal -What 'and goes on blocking for the other' -Is "$((Get-Rest) -join '' -ceq ($rest -join '')) $(Find $new 'Verify' $more)" -Should 'True '
$null = Find $new 'Remove' $more
Test-Equal -What 'until that goes' -Is "$((Get-Rest) -join '' -ceq ($empty -join '')) $((Get-Machine).Stores[$gpo].Count)" -Should 'True 0'
'done'
